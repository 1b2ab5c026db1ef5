"""A data file, as it is divided or mixed: its usable rows, their bytes, and what is left out."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunery.data.findings import Finding
from tunery.data.read import ReadResult, read_records
from tunery.data.records import Record
from tunery.data.shape.lines import LineFile, index_rows
from tunery.data.wording import listed, nearest, quote
from tunery.errors import DataError

_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has been read.

    Attributes:
        rows: The rows that can be used.
        total: Rows in the file.
        listed: The first error of each row that cannot; `total` is their number and that of `rows`.
        format: How the rows were read.
        file: Their bytes.
    """

    rows: tuple[Record, ...]
    total: int
    listed: tuple[Finding, ...]
    format: str
    file: LineFile

    def bytes_of(self, indexes: Sequence[int]) -> Iterator[bytes]:
        """The lines of rows, chosen by their index in `rows`."""
        return self.file.rows(self.rows[index].line for index in indexes)


def read_source(path: Path) -> Source:
    """Reads a file whose rows shall be chosen from.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be used as a whole, or its rows do not stand on lines of their own.
    """
    return source_of(path, read_records(path))


def source_of(path: Path, result: ReadResult[Record]) -> Source:
    """As `read_source`, for a file that has been read."""
    if not path.is_file():
        raise DataError(
            f"{path} is a folder; expected one file of JSONL or CSV.",
            "Convert its rows to one JSONL file first.",
        )
    errors: dict[int, Finding] = {}
    for finding in result.findings:
        if finding.severity == "error":
            errors.setdefault(finding.line, finding)
    starts = sorted({row.line for row in result.rows} | errors.keys())
    if len(starts) != result.total:
        raise DataError(
            f"{path} has {result.total} rows on {len(starts)} lines; expected a line for each.",
            "Convert the file to JSONL first.",
        )
    file = index_rows(path, starts, errors.keys())
    return Source(result.rows, result.total, tuple(errors.values()), result.format, file)


def values_of(source: Source, key: str) -> list[str | None]:
    """What each usable row has under a key, as JSON text; None where it has nothing.

    In JSONL it is a key of the row or of its `metadata`, in CSV a column.

    Raises:
        DataError: No row has it; the nearest name is given.
    """
    values = list(_cells(source, key) if source.file.is_table else _keys(source, key))
    if all(value is None for value in values):
        first = next(source.bytes_of([0]), b"")
        known = _header(source, ",") if source.file.is_table else [*_object(first)]
        near = nearest(key, known)
        raise DataError(
            f"No row of {source.file.path} has {quote(key)}; the first has {listed(known)}.",
            f"Did you mean {quote(near)}?" if near else "Name a key of the rows or a column.",
        )
    return values


def _keys(source: Source, key: str) -> Iterator[str | None]:
    for raw in source.bytes_of(range(len(source.rows))):
        row = _object(raw)
        metadata = row.get("metadata")
        value = row.get(key, metadata.get(key) if isinstance(metadata, dict) else None)
        yield None if value is None else json.dumps(value, sort_keys=True)


def _object(raw: bytes) -> dict[str, object]:
    value = json.loads(raw)
    return value if isinstance(value, dict) else {}


def _cells(source: Source, key: str) -> Iterator[str | None]:
    names: list[str] = []
    delimiter = ","
    for delimiter in _DELIMITERS:
        names = _header(source, delimiter)
        if key in names:
            break
    at = names.index(key) if key in names else None
    for raw in source.bytes_of(range(len(source.rows))):
        cells = next(csv.reader(_text_lines(raw), delimiter=delimiter), [])
        filled = at is not None and at < len(cells) and cells[at]
        yield json.dumps(filled) if filled else None


def _header(source: Source, delimiter: str) -> list[str]:
    lines = (line for line in _text_lines(source.file.header) if line.strip())
    return [name.strip() for name in next(csv.reader(lines, delimiter=delimiter), [])]


def _text_lines(raw: bytes) -> list[str]:
    text = raw.decode("utf-8-sig", "surrogateescape")
    return [*text.splitlines(keepends=True)]
