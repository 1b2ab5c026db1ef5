"""The files of a run: paths, or names of data sets in the library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tunery.config.data import DataSection, TrainingFile
from tunery.config.dataset_name import dataset_of
from tunery.data.library.opening import open_version
from tunery.data.library.store import find_version
from tunery.errors import UserError


@dataclass(frozen=True, slots=True)
class Located:
    """A file to read.

    Attributes:
        label: What to call it: the path as given, or the full name `library:NAME@v2`.
        path: Where it is.
    """

    label: str
    path: Path


def locate(path: Path, home: Path | None) -> Located:
    """Where a file is that a run names; a data set's bytes are compared with their digest.

    Args:
        path: A path, or `library:NAME`.
        home: The home folder, whose library is looked in.

    Raises:
        NotFoundError: There is no such data set.
        DataError: Its bytes are gone or changed.
        UserError: It is no name of a data set, or there is no home folder.
    """
    wanted = dataset_of(path)
    if wanted is None:
        return Located(str(path), path)
    if home is None:
        raise UserError(f"{path} is a data set, but no library is open.", "Give a path.")
    found = open_version(home, wanted)
    return Located(str(found.name.path), found.path)


def pin(section: DataSection, home: Path) -> DataSection:
    """The section with the version of each data set in it, so that its record stays true.

    Raises:
        NotFoundError: There is no such data set.
    """

    def pinned(path: Path) -> Path:
        wanted = dataset_of(path)
        if wanted is None:
            return path
        dataset, version = find_version(home, wanted)
        return dataset.named(version).path

    train: Path | tuple[TrainingFile, ...]
    if isinstance(section.train, Path):
        train = pinned(section.train)
    else:
        train = tuple(part.model_copy(update={"file": pinned(part.file)}) for part in section.train)
    changes: dict[str, object] = {"train": train}
    for role, path in files_of(section):
        if role != "train":
            changes[role] = pinned(path)
    return section.model_copy(update=changes)


def files_of(section: DataSection) -> Iterator[tuple[str, Path]]:
    """The role of each file that a section names, and its path."""
    if isinstance(section.train, Path):
        yield "train", section.train
    else:
        yield from (("train", part.file) for part in section.train)
    if isinstance(section.validation, Path):
        yield "validation", section.validation
    if section.test is not None:
        yield "test", section.test
