"""What tells the bytes at one location from any others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tunery.data.sources.folder import find_folder, shards_of_folder
from tunery.data.sources.hub_dataset import fetch_dataset, the_hub
from tunery.data.sources.limits import BLOCK_BYTES
from tunery.data.sources.local_file import told
from tunery.data.sources.location import Location, as_location, scheme_of, shown
from tunery.data.sources.opening import open_bytes


class Fingerprint(NamedTuple):
    """Of the files at a location.

    Attributes:
        sha256: Of their bytes, one file after the other in the order in which they are read.
        size_bytes: Of all of them.
    """

    sha256: str
    size_bytes: int


def fingerprint(location: Location) -> Fingerprint:
    """Reads everything at a location once.

    Args:
        location: As `open_rows` takes it.

    Raises:
        NotFoundError: There is nothing at this location.
        DataError: What is there cannot be read.
        FetchError: It is elsewhere and cannot be had.
    """
    digest = hashlib.sha256()
    size = 0
    for file in _files(as_location(location)):
        with ExitStack() as stack:
            stack.enter_context(told(shown(file)))
            stream = stack.enter_context(open_bytes(file)).stream
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
                size += len(block)
    return Fingerprint(digest.hexdigest(), size)


def _files(location: Location) -> Iterator[Location]:
    if scheme_of(location) == "hub":
        folder, shards = fetch_dataset(str(location), the_hub())
    elif isinstance(location, Path) and (found := find_folder(location)):
        folder, shards = found[0], shards_of_folder(*found)
    else:
        yield location
        return
    yield from (folder / file for file in shards.files)
