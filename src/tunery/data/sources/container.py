"""One file's bytes as rows: which container it is, by its first bytes and its ending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tunery.data.sources.arrow_table import MARKS, open_arrow
from tunery.data.sources.bytes_lines import byte_lines
from tunery.data.sources.csv_table import open_table
from tunery.data.sources.head import look_ahead
from tunery.data.sources.json_array import list_start, read_array
from tunery.data.sources.jsonl import read_lines
from tunery.data.sources.limits import MIB, Limits
from tunery.data.sources.local_file import OpenBytes
from tunery.data.sources.location import Location, file_name
from tunery.data.sources.row import SourceRow
from tunery.data.sources.shards import ending_of
from tunery.data.sources.text_faults import BLANK
from tunery.data.sources.text_lines import TextLines
from tunery.data.sources.unpacking import packing_of, unpacked
from tunery.data.sources.utf8_stream import utf8_stream
from tunery.data.wording import quote
from tunery.errors import DataError

_JSON_ENDINGS = (".jsonl", ".ndjson", ".json")
_CSV_ENDINGS = (".csv", ".tsv")
_MARK_BYTES = 16
_HEAD_BYTES = MIB

_FOREIGN = {
    b"PK\x03\x04": ("a ZIP archive or an Excel workbook", "Unpack it, or save the sheet as CSV."),
    b"\xd0\xcf\x11\xe0": ("an old Excel or Word file", "Save the sheet as CSV."),
    b"%PDF": ("a PDF", "Write its text into rows first."),
    b"BZh": ("packed with bzip2", "Unpack it, or pack it with gzip or zstd."),
    b"\xfd7zXZ": ("packed with xz", "Unpack it, or pack it with gzip or zstd."),
    b"7z\xbc\xaf": ("a 7z archive", "Unpack it, or pack the file with gzip or zstd."),
    b"SQLite format": ("a SQLite database", "Write its rows into a CSV file."),
    b"\x80\x04\x95": ("a pickle, which can run code and is never opened", "Write it as JSON."),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What is open.

    Attributes:
        container: What the file is: "JSON Lines", "CSV", "Parquet" ...
        rows: Its rows, to be read once, in the order of the file.
        header: The columns of a table, in its order; None where each row has its own keys.
        note: How the container was understood, for the user; empty if there is nothing to say.
        in_parts: `parts.rows_of_part` can read it too.
    """

    container: str
    rows: Iterator[SourceRow]
    header: tuple[str, ...] | None = None
    note: str = ""
    in_parts: bool = False


def open_container(
    opened: OpenBytes, location: Location, name: str, names: Iterable[str], limits: Limits
) -> Opened:
    """The rows of one file.

    Args:
        opened: Its bytes.
        location: Where it is, for its ending.
        name: What it is called in findings.
        names: Columns that a table probably has.
        limits: What is taken.

    Raises:
        DataError: Its container is not known, or cannot be read.
        Damaged: It is packed, and not one byte can be unpacked.
    """
    stream = opened.stream
    start = stream.read(_MARK_BYTES)
    stream.seek(0)
    if kind := _arrow_kind(start):
        table = open_arrow(stream, kind, name, opened.size_bytes, limits)
        return Opened(kind, table.rows, table.header, table.note)
    packing = packing_of(start)
    if packing:
        start, stream = look_ahead(unpacked(stream, packing, limits), _MARK_BYTES)
        if packing_of(start) or _arrow_kind(start):
            inside = packing_of(start) or _arrow_kind(start)
            raise DataError(
                f"{name} holds {inside} data packed with {packing}; expected text in it.",
                "Unpack the file and name the unpacked one.",
            )
    _refuse_foreign(start, name)
    stream, encoding = utf8_stream(stream, start)
    found = _open_text(stream, file_name(location), name, names, limits)
    extra = [packing, encoding.upper() if encoding != "utf-8" else ""]
    note = "; ".join(filter(None, [found.note, ", ".join(filter(None, extra))]))
    in_parts = found.in_parts and isinstance(location, Path) and not any(extra)
    return Opened(found.container, found.rows, found.header, note, in_parts)


def _open_text(
    stream: BinaryIO, file: str, name: str, names: Iterable[str], limits: Limits
) -> Opened:
    ending = ending_of(file)
    data, stream = look_ahead(stream, _HEAD_BYTES)
    if ending in _CSV_ENDINGS:
        table = open_table(TextLines(stream, limits.line_bytes), name, names)
        return Opened("CSV", table.rows, table.header, table.note)
    head = data.decode("utf-8", "surrogateescape")
    first = head.strip(BLANK)[:1]
    if ending not in _JSON_ENDINGS and first and first not in "{[":
        raise DataError(
            f"What {name} holds cannot be told from its ending or its first line.",
            "Give the file the ending of what it holds: .jsonl, .json, .csv, .tsv, .parquet or "
            ".arrow (.gz or .zst may follow).",
        )
    if found := list_start(head, names):
        start, key = found
        rows = read_array(stream, start, name, key=key, longest=limits.line_bytes)
        under = f"rows under the key {quote(key)}, the other keys are not read; " if key else ""
        return Opened("JSON array", rows, note=f"{under}a line number counts rows")
    lines = byte_lines(stream, longest=limits.line_bytes)
    return Opened("JSON Lines", read_lines(lines, name), in_parts=True)


def _arrow_kind(start: bytes) -> str:
    return next((kind for mark, kind in MARKS.items() if start.startswith(mark)), "")


def _refuse_foreign(start: bytes, name: str) -> None:
    for mark, (what, hint) in _FOREIGN.items():
        if start.startswith(mark):
            raise DataError(f"{name} is {what}; expected rows of data.", hint)
