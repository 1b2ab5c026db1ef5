"""The library's files on the disk: where they are, how one is replaced, who may change them."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from tunery.config.dataset_name import DatasetName
from tunery.data.library.version import Dataset, Version, dump, parse
from tunery.errors import NotFoundError, UserError

DRAFT = ".draft-"


def blob_folder(home: Path) -> Path:
    """Where the bytes are."""
    return home / "data" / "blobs" / "sha256"


def record_file(home: Path, name: str) -> Path:
    """Where a data set's versions are written down."""
    return home / "data" / "sets" / f"{name}.json"


def read_dataset(home: Path, name: str) -> Dataset:
    """A data set; one without versions if there is none of this name.

    Raises:
        UserError: Its record is damaged.
    """
    file = record_file(home, name)
    try:
        dataset = parse(file.read_text("utf-8"))
        if dataset.name != name:
            raise ValueError(f"it names {dataset.name!r:.80}")
    except FileNotFoundError:
        return Dataset(name)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{file} is damaged: {error}.",
            "Restore it, or move it away; the bytes are in the folder data/blobs beside it.",
        ) from None
    return dataset


def all_datasets(home: Path) -> list[Dataset | UserError]:
    """Every data set by name, and what is wrong with those that cannot be read."""
    found: list[Dataset | UserError] = []
    for file in sorted((home / "data" / "sets").glob("[!.]*.json")):
        try:
            found.append(read_dataset(home, file.stem))
        except UserError as error:
            found.append(error)
    return found


def find_version(home: Path, wanted: DatasetName) -> tuple[Dataset, Version]:
    """A data set and the version that a name means.

    Raises:
        NotFoundError: There is none; the nearest name or the versions are given.
        UserError: Its record is damaged.
    """
    dataset = read_dataset(home, wanted.name)
    if not dataset.versions:
        names = [d.name for d in all_datasets(home) if isinstance(d, Dataset) and d.versions]
        near = difflib.get_close_matches(wanted.name, names, n=1)
        raise NotFoundError(
            f"The library has no data set {wanted.name}.",
            f"Did you mean {near[0]}?" if near else "`tunery data list` shows what there is.",
        )
    if wanted.version is None:
        return dataset, dataset.newest
    for version in dataset.versions:
        if version.number == wanted.version:
            return dataset, version
    there = ", ".join(f"v{version.number}" for version in dataset.versions)
    raise NotFoundError(
        f"The data set {wanted.name} has no version v{wanted.version}.", f"It has {there}."
    )


@contextmanager
def changing(home: Path) -> Iterator[None]:
    """Holds the library's lock, and clears what a killed process left behind.

    Others who want to change something wait.

    Raises:
        UserError: The folder cannot be written.
    """
    try:
        for folder in (blob_folder(home), home / "data" / "sets"):
            folder.mkdir(parents=True, exist_ok=True)
        with FileLock(home / "data" / ".lock"):
            remove_leftovers(home)
            yield
    except OSError as error:
        raise UserError(
            f"The library in {home / 'data'} cannot be written: {error.strerror or error}.",
            "Free some space, or see who may write there; TUNERY_HOME names another folder.",
        ) from None


def remove_leftovers(home: Path) -> int:
    """Removes drafts and the blobs that no version names; only under the lock.

    Nothing is removed while a record is damaged, because it may name any of them.

    Returns:
        The bytes that were freed.
    """
    for draft in (home / "data").glob(f"{DRAFT}*"):
        draft.unlink()
    datasets = all_datasets(home)
    if any(isinstance(dataset, UserError) for dataset in datasets):
        return 0
    named = {v.blob for d in datasets if isinstance(d, Dataset) for v in d.versions}
    unnamed = [blob for blob in blob_folder(home).iterdir() if blob.name not in named]
    freed = sum(blob.stat().st_size for blob in unnamed)
    for blob in unnamed:
        blob.unlink()
    return freed


@contextmanager
def draft(home: Path) -> Iterator[Path]:
    """A new file in the library that is gone at the end, unless it got another name."""
    handle, name = tempfile.mkstemp(prefix=DRAFT, dir=home / "data")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)


def put_in_place(file: Path, final: Path) -> None:
    """Gives a draft its name, once its bytes are on the disk; the name is on it too then."""
    _to_disk(file)
    file.replace(final)
    _to_disk(final.parent)


def write_record(home: Path, dataset: Dataset) -> None:
    """Replaces what is written down of a data set, whole."""
    with draft(home) as file:
        file.write_text(dump(dataset), "utf-8")
        put_in_place(file, record_file(home, dataset.name))


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
