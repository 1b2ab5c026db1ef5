"""A name to a file that still holds what was added."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tunery.config.dataset_name import DatasetName
from tunery.data.library.store import blob_folder, find_version
from tunery.data.library.version import Version
from tunery.errors import DataError


@dataclass(frozen=True, slots=True)
class Opened:
    """A version whose bytes were found to be those that were added.

    Attributes:
        name: Its full name, with the version.
        path: The file.
        version: What is known of it.
    """

    name: DatasetName
    path: Path
    version: Version


def open_version(home: Path, wanted: DatasetName) -> Opened:
    """Finds a version's file and compares its digest with what is written down.

    Raises:
        NotFoundError: There is no such data set or version.
        DataError: The bytes are gone, or are others; both digests are given.
    """
    dataset, version = find_version(home, wanted)
    path = blob_folder(home) / version.blob
    again = f"Add the file {version.file!r} again, which puts the bytes back."
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"The bytes of {dataset.named(version)} cannot be read: {path}: {error.strerror}.",
            again,
        ) from None
    if digest != version.sha256:
        raise DataError(
            f"{path} was changed: its sha256 is {digest}, but {dataset.named(version)} was added "
            f"with {version.sha256}.",
            again,
        )
    return Opened(dataset.named(version), path, version)
