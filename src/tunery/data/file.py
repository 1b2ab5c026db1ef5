"""A data file whose format is known: its rows, one after the other, as often as asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from os import PathLike
from pathlib import Path

from tunery.config.data import ColumnMapping, FormatName
from tunery.data.columns import check_columns, named, renamed
from tunery.data.conversation import Conversation, Message
from tunery.data.detect import SAMPLE_ROWS, Detected, detect_format
from tunery.data.formats.format import Object
from tunery.data.formats.row import Row
from tunery.data.formats.table import FORMATS
from tunery.data.records import Preference, Record, Reinforcement
from tunery.data.sources.location import Location, as_location, shown
from tunery.data.sources.opening import open_rows
from tunery.data.sources.parts import Part, rows_of_part
from tunery.data.sources.row import SourceRow
from tunery.data.unfold import unfolded
from tunery.data.wording import quote


@dataclass(frozen=True, slots=True)
class DataFile:
    """How a file is read. It holds no rows and can be sent to another process.

    Attributes:
        path: The file: a path, or an address as the user gave it.
        format: Its format, never "auto".
        reason: Why this format, and how the file was understood.
        columns: Which columns are which keys.
        system: System prompt put before rows that have none.
        in_parts: Its rows can be read from several places of the file at once.
    """

    path: Location
    format: FormatName
    reason: str
    columns: ColumnMapping | None = None
    system: str | None = None
    in_parts: bool = False

    @property
    def name(self) -> str:
        """The file as the user gave it, without what is secret in an address."""
        return shown(self.path)

    def rows(self) -> Iterator[Row]:
        """Every row, read and with what is wrong in it, in the order of the file.

        Raises:
            DataError: The file as a whole cannot be used.
        """
        return map(self.row_reader(), self.source_rows())

    def source_rows(self) -> Iterator[SourceRow]:
        """The objects of the file, not yet read as rows.

        Raises:
            DataError: The file as a whole cannot be used.
        """
        with open_rows(self.path, column_names(self.columns)) as opened:
            yield from renamed(unfolded(opened.rows, self.format), self.columns)

    def rows_of(self, part: Part) -> Iterator[Row]:
        """The rows of a part of a file that can be read in parts."""
        rows = renamed(rows_of_part(Path(self.path), part), self.columns)
        return map(self.row_reader(), rows)

    def row_reader(self) -> Callable[[SourceRow], Row]:
        """What makes a row of an object of this file; it never raises."""
        read = FORMATS[self.format].reader(self._objects)

        def row(found: SourceRow) -> Row:
            if found.value is not None:
                return _with_system(read(found.value, found.place), self.system)
            return Row(found.place.line, findings=(found.problem,) if found.problem else ())

        return row

    def _objects(self) -> Iterator[Object]:
        return (row.value for row in self.source_rows() if row.value is not None)


def understand(
    path: str | PathLike[str],
    *,
    format: FormatName = "auto",
    columns: ColumnMapping | None = None,
    system: str | None = None,
) -> DataFile:
    """Finds out how a file is to be read.

    Args:
        path: The file, as `sources.opening.open_rows` takes it.
        format: Its format; "auto" decides by the keys of the first rows.
        columns: Which columns (of a table) or keys (of objects) are which keys of the format.
        system: System prompt put before rows that have none.

    Raises:
        NotFoundError: There is no such file.
        DataError: The file as a whole cannot be used, or its format cannot be told.
    """
    location = as_location(path)
    name = shown(location)
    with open_rows(location, column_names(columns)) as opened:
        first = list(islice(opened.rows, SAMPLE_ROWS))
        header, note, in_parts = opened.header, opened.note, opened.in_parts
    have = header or dict.fromkeys(key for row in first if row.value for key in row.value)
    check_columns(columns, list(have), name)
    sample = [row.value for row in renamed(iter(first), columns) if row.value is not None]
    if keys := named(columns):
        note += "; " * bool(note) + ", ".join(f"{quote(c)} is the {k}" for k, c in keys.items())
    found = Detected(format, "as given") if format != "auto" else detect_format(sample, name)
    reason = f"{found.reason}; {note}" if note else found.reason
    in_parts = in_parts and FORMATS[found.format].row_by_row
    return DataFile(location, found.format, reason, columns, system, in_parts)


def column_names(columns: ColumnMapping | None) -> set[str]:
    """Columns that a table probably has: those that were named, and the keys of all formats."""
    return {*named(columns).values(), *(key for f in FORMATS.values() for key in f.keys)}


def _with_system(row: Row, system: str | None) -> Row:
    if not system or row.record is None:
        return row
    record: Record = row.record
    if isinstance(record, Conversation):
        return replace(row, record=replace(record, messages=_prompted(record.messages, system)))
    if isinstance(record, Preference | Reinforcement):
        return replace(row, record=replace(record, prompt=_prompted(record.prompt, system)))
    return row


def _prompted(messages: tuple[Message, ...], system: str) -> tuple[Message, ...]:
    if any(message.role in ("system", "developer") for message in messages):
        return messages
    return (Message("system", system), *messages)
