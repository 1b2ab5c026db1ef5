"""What a user named, as rows: where it is, what it is, and how it was understood."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tunery.config.settings import read_settings
from tunery.data.findings import Place
from tunery.data.sources.container import Opened, open_container
from tunery.data.sources.folder import find_folder, shards_of_folder
from tunery.data.sources.http_file import open_http
from tunery.data.sources.hub_dataset import fetch_dataset, the_hub
from tunery.data.sources.limits import LIMITS, Damaged, Limits
from tunery.data.sources.local_file import OpenBytes, open_local, told
from tunery.data.sources.location import Location, as_location, scheme_of, shown
from tunery.data.sources.object_store import open_s3
from tunery.data.sources.row import SourceRow
from tunery.data.sources.shards import Shards
from tunery.errors import DataError


@contextmanager
def open_rows(
    location: Location, names: Iterable[str] = (), *, limits: Limits = LIMITS
) -> Iterator[Opened]:
    """The rows at a location.

    Args:
        location: The path of a file or a folder, an address (`https://`, `s3://`), or a data set
            of the hub (`hub:owner/name`).
        names: Columns that a table probably has; they tell its separator.
        limits: What is taken.

    Raises:
        NotFoundError: There is nothing at this location.
        DataError: What is there cannot be used as a whole, or its container cannot be told.
        FetchError: It is elsewhere and cannot be had.
    """
    location = as_location(location)
    wanted = tuple(names)
    if scheme_of(location) == "hub":
        folder, shards = fetch_dataset(str(location), the_hub())
    elif isinstance(location, Path) and (found := find_folder(location)):
        folder, shards = found[0], shards_of_folder(*found)
    else:
        with open_bytes(location) as opened:
            yield _opened(location, shown(location), opened, wanted, limits)
        return
    with _open_shards(folder, shards, shown(location), wanted, limits) as rows:
        yield rows


@contextmanager
def open_bytes(location: Location) -> Iterator[OpenBytes]:
    """The bytes of one file.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be used, or it is on the network, which is switched off.
        FetchError: It is elsewhere and cannot be had.
    """
    scheme = scheme_of(location)
    if scheme in ("https", "s3") and read_settings(os.environ).offline:
        raise DataError(
            f"{shown(location)} is on the network, which is switched off.",
            "Unset TUNERY_OFFLINE and HF_HUB_OFFLINE, or give the path of a copy.",
        )
    if scheme == "s3":
        with open_s3(str(location)) as opened:
            yield opened
    elif scheme:
        with open_http(str(location)) as opened:
            yield opened
    else:
        with open_local(Path(location)) as opened:
            yield opened


def _opened(
    location: Location, name: str, opened: OpenBytes, names: Iterable[str], limits: Limits
) -> Opened:
    """One file, whose rows end with what stopped them and with a look at whether it changed."""
    with told(name):
        try:
            found = open_container(opened, location, name, names, limits)
        except Damaged as damage:
            raise DataError(f"{name} cannot be read: {damage.message}.", damage.hint) from None
    return replace(found, rows=_to_the_end(found.rows, name, opened))


def _to_the_end(rows: Iterator[SourceRow], name: str, opened: OpenBytes) -> Iterator[SourceRow]:
    line = 0
    with told(name):
        try:
            for row in rows:
                line = row.place.line
                yield row
        except Damaged as damage:
            place = Place(name, damage.line or line + 1)
            problem = place.found(damage.code, damage.message, damage.hint)
            yield SourceRow(place, problem=problem)
        opened.check_unchanged()


@contextmanager
def _open_shards(
    folder: Path, shards: Shards, name: str, names: Iterable[str], limits: Limits
) -> Iterator[Opened]:
    """Files that follow each other; what they have in common is told by the first."""

    @contextmanager
    def open_shard(file: str) -> Iterator[Opened]:
        path = folder / file
        with open_local(path) as opened:
            yield _opened(path, f"{name}/{file}", opened, names, limits)

    def rows() -> Iterator[SourceRow]:
        number = 0
        for file in shards.files:
            with open_shard(file) as opened:
                for row in opened.rows:
                    number += 1
                    yield _placed(row, Place(name, row.place.line if single else number))

    single = len(shards.files) == 1
    with open_shard(shards.files[0]) as first:
        container, header, note = first.container, first.header, first.note
    if single:
        note = "; ".join(filter(None, [f"the file {shards.files[0]}", note]))
    else:
        told_files = f"{len(shards.files)} files, whose rows a line number counts in name order"
        note = "; ".join(filter(None, [told_files, note]))
    yield Opened(container, rows(), header, note)


def _placed(row: SourceRow, place: Place) -> SourceRow:
    problem = row.problem
    if problem is not None:
        problem = replace(problem, file=place.file, line=place.line)
    return SourceRow(place, row.value, problem)
