"""Parquet and Arrow files: each row of the table an object.

pyarrow is an extra: a table is refused with the command that installs it where it is absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from tunery.data.findings import Place
from tunery.data.sources.arrow_values import NoJsonError, plain
from tunery.data.sources.limits import LIMITS, Damaged, Limits
from tunery.data.sources.row import SourceRow
from tunery.data.wording import listed, quote
from tunery.errors import DataError

PARQUET = "Parquet"
ARROW_FILE = "Arrow file"
ARROW_STREAM = "Arrow stream"
MARKS = {b"PAR1": PARQUET, b"ARROW1": ARROW_FILE, b"\xff\xff\xff\xff": ARROW_STREAM}

_BATCH_ROWS = 512


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """An open table.

    Attributes:
        header: Its columns.
        rows: Its rows, to be read once; the number of a row, from 1, stands for its line.
        note: How it was understood, for the user.
    """

    header: tuple[str, ...]
    rows: Iterator[SourceRow]
    note: str


def open_arrow(
    stream: BinaryIO, kind: str, file: str, size_bytes: int | None, limits: Limits = LIMITS
) -> ArrowTable:
    """Reads the schema.

    Args:
        stream: The file; it can seek.
        kind: One of `MARKS`.
        file: Name of the file, for the findings.
        size_bytes: Its size, which the size of its rows is compared with; None if not known.
        limits: What is taken.

    Raises:
        DataError: It is no such file, it has a column twice, or pyarrow is not installed.
    """
    arrow = _pyarrow(file)
    broken: tuple[type[Exception], ...] = (
        arrow.ArrowException,
        OSError,
        ValueError,
        OverflowError,
        MemoryError,
    )
    try:
        schema, batches = _OPEN[kind](stream)
        header, metadata = tuple(schema.names), schema.metadata or {}
    except DataError:
        raise
    except broken as error:
        raise DataError(
            f"{file} cannot be read as {kind}: {_first_line(error)}.",
            "Write or download the file again.",
        ) from None
    if len(set(header)) < len(header):
        raise DataError(
            f"{file} has a column more than once; its columns are {listed(header)}.",
            "Rename all but one of them.",
        )
    labels = label_names(metadata, header)
    note = (
        f"columns {listed(header)}; a line number counts rows; "
        "a field that is null counts as absent"
    )
    if labels:
        note += f"; {listed(labels)} by the names that the file gives its numbers"
    found = _Reading(file, labels, limits, size_bytes, broken)
    return ArrowTable(header, found.rows(batches), note)


def label_names(metadata: Mapping[bytes, bytes], header: tuple[str, ...]) -> dict[str, list[str]]:
    """Columns whose numbers stand for names, by the metadata that `datasets` writes.

    Args:
        metadata: Of the schema. Only the key "huggingface" is looked at.
        header: The columns.
    """
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            name: about["names"]
            for name, about in features.items()
            if name in header
            and isinstance(about, dict)
            and about.get("_type") == "ClassLabel"
            and all(isinstance(label, str) for label in about["names"])
        }
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


@dataclass(slots=True)
class _Reading:
    """One pass over the rows."""

    file: str
    labels: dict[str, list[str]]
    limits: Limits
    size_bytes: int | None
    broken: tuple[type[Exception], ...]
    number: int = 0
    given_bytes: int = 0

    def rows(self, batches: Iterator[Any]) -> Iterator[SourceRow]:
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                # What a file says of itself is not checked by reading it: an offset that points
                # outside would end the process.
                batch.validate(full=True)
            except self.broken as error:
                raise self._stopped(
                    "file.broken_table", f"the table is broken here: {_first_line(error)}"
                ) from None
            self._refuse_bomb(batch.nbytes)
            for value in self._values(batch):
                self.number += 1
                yield self._row(value)

    def _values(self, batch: Any) -> Iterator[dict[str, object] | Exception]:
        """Each row as Python values, or why it has none."""
        try:
            yield from batch.to_pylist()
            return
        except self.broken:
            pass  # one of the rows; the others are found one by one
        for index in range(batch.num_rows):
            try:
                yield batch.slice(index, 1).to_pylist()[0]
            except self.broken as error:
                yield error

    def _row(self, value: dict[str, object] | Exception) -> SourceRow:
        place = Place(self.file, self.number)
        if isinstance(value, Exception):
            problem = place.found(
                "table.bad_value",
                f"a value cannot be read: {_first_line(value)}",
                "Correct it, or leave its column out.",
            )
            return SourceRow(place, problem=problem)
        row: dict[str, object] = {}
        for column, cell in value.items():
            if cell is None:
                continue
            try:
                row[column] = plain(self._label(column, cell))
            except (NoJsonError, RecursionError) as error:
                problem = place.found(
                    "table.bad_value",
                    f"column {quote(column)} holds {str(error) or 'too deep a value'}; expected "
                    "text, numbers, true, false, lists or objects",
                    "Write it as text, or leave the column out.",
                )
                return SourceRow(place, problem=problem)
        return SourceRow(place, row)

    def _label(self, column: str, cell: object) -> object:
        names = self.labels.get(column)
        if names and isinstance(cell, int) and 0 <= cell < len(names):
            return names[cell]
        return cell

    def _refuse_bomb(self, more_bytes: int) -> None:
        self.given_bytes += more_bytes
        size, limits = self.size_bytes, self.limits
        if size is None or self.given_bytes <= max(limits.unpacked_bytes, limits.ratio * size):
            return
        raise self._stopped(
            "file.unpacks_too_large",
            f"{size:,} bytes became {self.given_bytes:,}; expected less, this is more than "
            f"{limits.ratio} times the size",
        )

    def _stopped(self, code: str, message: str) -> Damaged:
        hint = "Write or download the file again; the rows before this one are used."
        return Damaged(code, message, hint, self.number + 1)


def _pyarrow(file: str) -> Any:
    try:
        import pyarrow  # type: ignore[import-untyped]
    except ImportError:
        raise DataError(
            f"{file} is a table of Parquet or Arrow, and pyarrow is not installed.",
            "Install it: pip install pyarrow",
        ) from None
    return pyarrow


def _open_parquet(stream: BinaryIO) -> tuple[Any, Iterator[Any]]:
    from pyarrow import parquet

    table = parquet.ParquetFile(stream, pre_buffer=False)
    return table.schema_arrow, table.iter_batches(_BATCH_ROWS, use_threads=False)


def _open_file(stream: BinaryIO) -> tuple[Any, Iterator[Any]]:
    from pyarrow import ipc

    reader = ipc.open_file(stream)
    batches = (reader.get_batch(index) for index in range(reader.num_record_batches))
    return reader.schema, _cut(batches)


def _open_stream(stream: BinaryIO) -> tuple[Any, Iterator[Any]]:
    from pyarrow import ipc

    reader = ipc.open_stream(stream)
    return reader.schema, _cut(iter(reader))


def _cut(batches: Iterator[Any]) -> Iterator[Any]:
    """Batches of a size that can be made Python values at once."""
    for batch in batches:
        batch.validate(full=True)  # before it is cut, which trusts its offsets
        for start in range(0, batch.num_rows, _BATCH_ROWS):
            yield batch.slice(start, _BATCH_ROWS)


_OPEN = {PARQUET: _open_parquet, ARROW_FILE: _open_file, ARROW_STREAM: _open_stream}


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return quote(lines[0])
