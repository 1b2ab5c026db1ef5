"""A file becomes a version of a data set."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tunery.config.data import ColumnMapping, FormatName
from tunery.config.dataset_name import DatasetName
from tunery.data.check import check_file
from tunery.data.file import understand
from tunery.data.library.store import (
    blob_folder,
    changing,
    draft,
    put_in_place,
    read_dataset,
    write_record,
)
from tunery.data.library.version import Contents, Dataset, Version
from tunery.errors import DataError, NotFoundError, UserError

PIECE_BYTES = 1 << 20

_PACKED = (".gz", ".zst", ".bz2", ".xz")
_ENDING = re.compile(r"(\.[a-z0-9_]{1,10}){1,2}")


@dataclass(frozen=True, slots=True)
class Added:
    """What became of a file.

    Attributes:
        dataset: The data set, with the version.
        version: The version that holds the file's bytes.
        is_new: Whether the version was made now; False if an earlier one holds the same bytes.
    """

    dataset: Dataset
    version: Version
    is_new: bool


def look_at(
    file: Path,
    *,
    format: FormatName = "auto",
    columns: ColumnMapping | None = None,
    system: str | None = None,
) -> Contents:
    """Reads a file as a run would, and counts what is in it.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be used as a whole.
    """
    checked = check_file(understand(file, format=format, columns=columns, system=system))
    codes = Counter(finding.code for finding in checked.findings)
    return Contents(checked.file.format, checked.total, checked.used, dict(sorted(codes.items())))


def add(
    home: Path,
    file: Path,
    name: DatasetName,
    *,
    look: Callable[[Path], Contents] = look_at,
    licence: str = "",
    source: str = "",
) -> Added:
    """Copies a file into the library as the next version of a data set.

    The bytes are copied, never linked: a file that is edited later must not change the library.
    They pass through memory a piece at a time. Several processes may add at once.

    Args:
        home: The home folder.
        file: The file; it stays where it is.
        name: Of the data set, without a version.
        look: Tells what is in the file; raises for a file that must not be added.
        licence: Note on how the rows may be used.
        source: Note on where they come from.

    Raises:
        UserError: The name has a version, or the library cannot be written.
        NotFoundError: There is no such file.
        DataError: The file cannot be used, or was changed while it was read.
    """
    if name.version is not None:
        raise UserError(
            f"{name} names a version; expected a name alone, the version is counted.",
            f"Write {name.name}.",
        )
    before = _state(file)
    contents = look(file)
    with changing(home), draft(home) as copy:
        try:
            digest = _copy(file, copy)
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise NotFoundError(f"{file} cannot be read: {error.strerror}.") from None
        if _state(file) != before:
            raise DataError(
                f"{file} was changed while it was read.", "Add it again when it is complete."
            )
        dataset = read_dataset(home, name.name)
        version = Version(
            number=dataset.next_number,
            sha256=digest,
            size_bytes=copy.stat().st_size,
            ending=ending_of(file),
            file=file.name,
            added=int(time.time()),
            contents=contents,
            licence=licence,
            source=source,
        )
        blob = blob_folder(home) / version.blob
        if not _holds(blob, digest):
            copy.chmod(0o444)
            put_in_place(copy, blob)
        for known in dataset.versions:
            if known.blob == version.blob:
                return Added(dataset, known, is_new=False)
        dataset = replace(
            dataset,
            versions=(*dataset.versions, version),
            next_number=version.number + 1,
        )
        write_record(home, dataset)
    return Added(dataset, version, is_new=True)


def ending_of(file: Path) -> str:
    """The part of a name that tells the format, such as `.jsonl` or `.csv.gz`; often empty."""
    endings = [suffix.lower() for suffix in file.suffixes]
    ending = "".join(endings[-2:] if endings[-1:] and endings[-1] in _PACKED else endings[-1:])
    return ending if _ENDING.fullmatch(ending) else ""


def _holds(blob: Path, digest: str) -> bool:
    """Whether a blob is there and whole; a damaged one is replaced by the copy at hand."""
    try:
        with blob.open("rb") as held:
            return hashlib.file_digest(held, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False


def _copy(file: Path, copy: Path) -> str:
    """Copies the bytes, and gives their digest."""
    digest = hashlib.sha256()
    with file.open("rb") as source, copy.open("wb") as target:
        for piece in iter(partial(source.read, PIECE_BYTES), b""):
            digest.update(piece)
            target.write(piece)
    return digest.hexdigest()


def _state(file: Path) -> tuple[int, ...] | None:
    """What changes when a file does; None if it is not there, which whoever reads it tells."""
    try:
        facts = os.stat(file)
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
