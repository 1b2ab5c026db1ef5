"""A data file to records in memory, with a reason for every row that is left out."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Generic, TypeVar

from tunery.config.data import ColumnMapping, FormatName
from tunery.data.collect import Collector
from tunery.data.conversation import Conversation
from tunery.data.file import understand
from tunery.data.findings import Finding
from tunery.data.records import KIND_OF, Record
from tunery.data.sources.location import as_location, shown
from tunery.errors import DataError

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class ReadResult(Generic[R]):
    """What a data file holds.

    Attributes:
        rows: The rows that can be used, in the order of the file.
        findings: Everything wrong or odd, in the order of the file. A row with an "error" is
            not among `rows`; a row with only warnings is.
        total: Rows in the file; `len(rows)` plus the rows that have an error.
        format: The format that was read.
        format_reason: Why this format, and how it was understood.
    """

    rows: tuple[R, ...]
    findings: tuple[Finding, ...]
    total: int
    format: FormatName
    format_reason: str

    @property
    def left_out(self) -> int:
        """Rows that have an error."""
        return self.total - len(self.rows)


def read_records(
    path: str | PathLike[str],
    *,
    format: FormatName = "auto",
    columns: ColumnMapping | None = None,
    system: str | None = None,
) -> ReadResult[Record]:
    """Reads a file, checks every row, and lists what is wrong with it.

    Args:
        path: The file.
        format: Its format; "auto" decides by the keys of the first rows.
        columns: Which columns are which keys of the format.
        system: System prompt put before rows that have none.

    Raises:
        NotFoundError: There is no such file.
        DataError: The file as a whole cannot be used: not readable, without rows, without the
            columns, or of a format that cannot be told.
    """
    file = understand(path, format=format, columns=columns, system=system)
    collector = Collector(file.name)
    rows: list[Record] = []
    for row in file.rows():
        if collector.add(row) and row.record is not None:
            rows.append(row.record)
    if not collector.total:
        raise DataError(
            f"{file.name} holds no rows; expected at least one.", "Put rows into the file."
        )
    return ReadResult(tuple(rows), collector.findings(), collector.total, file.format, file.reason)


def read_conversations(
    path: str | PathLike[str],
    *,
    format: FormatName = "auto",
    columns: ColumnMapping | None = None,
    system: str | None = None,
) -> ReadResult[Conversation]:
    """As `read_records`, for a file whose rows are learned by imitation.

    Raises:
        NotFoundError: There is no such file.
        DataError: As for `read_records`, or the rows are for another way of training.
    """
    read = read_records(path, format=format, columns=columns, system=system)
    rows = tuple(row for row in read.rows if isinstance(row, Conversation))
    if len(rows) < len(read.rows):
        kind = next(KIND_OF[type(row)] for row in read.rows if not isinstance(row, Conversation))
        raise DataError(
            f"{shown(as_location(path))} holds {kind} rows (format {read.format}); expected "
            "conversations to imitate.",
            "This version trains on conversations: chat, prompt/completion and the like.",
        )
    return ReadResult(rows, read.findings, read.total, read.format, read.format_reason)
