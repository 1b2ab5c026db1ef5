"""Taking data sets out of the library, unless a run names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunery.config.dataset_name import PREFIX, DatasetName, dataset_of
from tunery.config.document import read_document
from tunery.data.library.store import changing, find_version, remove_leftovers, write_record
from tunery.data.library.version import Version
from tunery.errors import UserError


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken out.

    Attributes:
        versions: The versions.
        freed_bytes: Size of the files that no other version needed.
        runs: Folders of runs that named them.
    """

    versions: tuple[Version, ...]
    freed_bytes: int
    runs: tuple[str, ...]


def remove(home: Path, wanted: DatasetName, *, force: bool = False) -> Removed:
    """Takes a version out, or all of a data set; bytes that another version uses stay.

    Args:
        home: The home folder.
        wanted: With a version, that one; without, all of them.
        force: Remove even what a run names.

    Raises:
        NotFoundError: There is no such data set or version.
        UserError: A run names it, and `force` is False.
    """
    with changing(home):
        dataset, found = find_version(home, wanted)
        gone = dataset.versions if wanted.version is None else (found,)
        runs = tuple(sorted(runs_that_name(home, wanted)))
        if runs and not force:
            raise UserError(
                f"{wanted} is named by {len(runs)} run(s): {', '.join(runs[:5])}"
                f"{' and others' if len(runs) > 5 else ''}.",
                "Keep it so that they can be run again, or give --force.",
            )
        left = tuple(version for version in dataset.versions if version not in gone)
        write_record(home, replace(dataset, versions=left))
        freed = remove_leftovers(home)
    return Removed(gone, freed, runs)


def runs_that_name(home: Path, wanted: DatasetName) -> set[str]:
    """Folders of the runs and sweeps whose configuration names a data set.

    A configuration that names no version counts for every version.
    """
    found = set()
    for pattern in ("runs/*/*.yaml", "sweeps/*/*.yaml"):
        for file in home.glob(pattern):
            if any(_meet(named, wanted) for named in _named_in(file)):
                found.add(str(file.parent.relative_to(home)))
    return found


def _meet(named: DatasetName, wanted: DatasetName) -> bool:
    if named.name != wanted.name:
        return False
    return None in (named.version, wanted.version) or named.version == wanted.version


def _named_in(file: Path) -> Iterator[DatasetName]:
    """The data sets in the `data` section of a configuration; none if it cannot be read."""
    try:
        value = read_document(file.read_text("utf-8"), str(file)).value
    except (OSError, ValueError):
        return
    for text in _texts(value.get("data") if isinstance(value, dict) else None):
        if text.startswith(PREFIX):
            try:
                named = dataset_of(text)
            except UserError:
                continue
            if named is not None:
                yield named


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
