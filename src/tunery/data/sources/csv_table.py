"""CSV with a header row: each row an object of texts."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from tunery.data.findings import Place
from tunery.data.sources.limits import Damaged
from tunery.data.sources.row import SourceRow
from tunery.data.sources.text_faults import BLANK, bad_bytes, too_long
from tunery.data.sources.text_lines import LineTooLongError
from tunery.data.wording import listed
from tunery.errors import DataError

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# A longer cell is nearly always a quote that was never closed.
MAX_CELL_CHARACTERS = 16 * 1024 * 1024
# Enough to tell the separator; `csv` refuses to read much longer cells.
HEADER_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Table:
    """An open CSV file whose header has been understood.

    Attributes:
        header: Its columns.
        rows: Its rows, to be read once; each has a text for every column.
        note: How it was understood, for the user.
    """

    header: tuple[str, ...]
    rows: Iterator[SourceRow]
    note: str


def open_table(lines: Iterable[str], file: str, names: Iterable[str] = ()) -> Table:
    """Reads the header.

    Args:
        lines: The lines with their line ends, from the first of the file on; as `TextLines`, it
            may raise in place of one line and go on.
        file: Path of the file, for the findings.
        names: Columns that the table probably has; they tell its separator.

    Raises:
        DataError: There is no header, it is not valid CSV, or it has a column twice.
    """
    reading = iter(lines)
    try:
        head = list(_until_filled(reading))
    except LineTooLongError:
        raise DataError(
            f"The first line of {file} is too long for the header of a table.",
            "Give the file the ending of what it holds: .jsonl, .json, .csv or .tsv.",
        ) from None
    delimiter = _delimiter(head[-1] if head else "", set(names))
    # Strict, because the lenient parser keeps stray quotes as text and tells nobody.
    reader = csv.reader(chain(head, reading), delimiter=delimiter, strict=True)
    header = _read_header(reader, file)
    _refuse_twins(header, file)
    note = f"columns {listed(header)}, separated by {DELIMITERS[delimiter]}"
    return Table(tuple(header), _rows(reader, file, header), note)


def _until_filled(lines: Iterator[str]) -> Iterator[str]:
    """The lines up to the first that is not blank, which is the header or its beginning."""
    for line in lines:
        yield line
        if line.strip(BLANK):
            return


def _delimiter(line: str, wanted: set[str]) -> str:
    """The delimiter that finds most of the wanted columns in the header's first line."""
    start = line[:HEADER_CHARACTERS]

    def fit(delimiter: str) -> tuple[int, int]:
        names = {name.strip() for name in next(csv.reader([start], delimiter=delimiter), [])}
        return len(names & wanted), len(names)

    return max(DELIMITERS, key=fit)  # the first of equals, so a comma where nothing is found


def _read_header(reader: Reader, file: str) -> list[str]:
    try:
        for cells in reader:
            if not _is_blank(cells):
                return [name.strip() for name in cells]
    except (csv.Error, LineTooLongError) as error:
        reason = str(error) or "a line is too long"
        raise DataError(
            f"The header of {file} is not valid CSV: {reason}.", "Repair the quotes in it."
        ) from None
    raise DataError(f"{file} holds no rows; expected a header and rows.", "Put rows into the file.")


def _refuse_twins(header: Sequence[str], file: str) -> None:
    if twins := [name for name, times in Counter(header).items() if times > 1 and name]:
        raise DataError(
            f"{file} has the column {listed(twins)} more than once; "
            f"its columns are {listed(header)}.",
            f"Rename all but one of the columns {listed(twins)}.",
        )


def _rows(reader: Reader, file: str, header: Sequence[str]) -> Iterator[SourceRow]:
    """The rows below the header; the line of a row is the one where it starts."""
    limit = csv.field_size_limit(MAX_CELL_CHARACTERS)
    passed_over = 0  # lines that the reader has not seen
    try:
        while True:
            place = Place(file, reader.line_num + passed_over + 1)
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield _broken_row(str(error), place, reader.line_num + passed_over)
                continue
            except LineTooLongError:
                passed_over += 1
                yield SourceRow(place, problem=too_long(place))
                continue
            except Damaged as damage:
                damage.line = damage.line or place.line
                raise
            if cells is None:
                return
            if not _is_blank(cells):
                yield _read_row(cells, header, place)
    finally:
        csv.field_size_limit(limit)


def _is_blank(cells: Sequence[str]) -> bool:
    return len(cells) < 2 and not "".join(cells).strip(BLANK)


def _broken_row(reason: str, place: Place, last: int) -> SourceRow:
    lines = f" (lines {place.line} to {last} were taken as one row)" if last > place.line else ""
    if reason.startswith("field larger"):
        reason = f"a cell is longer than {MAX_CELL_CHARACTERS:,} characters"
    found = place.found(
        "csv.bad_quotes",
        f"not valid CSV: {reason}{lines}",
        'Put a text that holds quotes in quotes, and write each quote in it twice ("").',
    )
    return SourceRow(place, problem=found)


def _read_row(cells: Sequence[str], header: Sequence[str], place: Place) -> SourceRow:
    if not_utf8 := bad_bytes(" ".join(cells), place):
        return SourceRow(place, problem=not_utf8)
    if len(cells) != len(header):
        ragged = place.found(
            "csv.ragged_row",
            f"the row has {len(cells)} cells; expected {len(header)}, as in the header",
            "Put a text that holds the separator or a line break in quotes.",
        )
        return SourceRow(place, problem=ragged)
    return SourceRow(place, dict(zip(header, cells, strict=True)))
