"""CSV with a header row and a column for each turn."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from tunery.data.findings import Finding, Place
from tunery.data.formats.pair import empty_completion, turns_of_pair
from tunery.data.formats.row import Row
from tunery.data.text_file import BLANK, bad_bytes
from tunery.data.wording import listed, nearest, quote
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
        rows: Its rows, to be read once.
        note: How it was understood, for the user.
    """

    rows: Iterator[Row]
    note: str


def open_table(
    lines: Iterable[str],
    file: str,
    *,
    prompt: str | None = None,
    completion: str | None = None,
    system: str | None = None,
) -> Table:
    """Reads the header, and finds the columns in it.

    Args:
        lines: The lines with their line ends, from the first of the file on.
        file: Path of the file, for the findings.
        prompt: Column with the user's text; `prompt` by default.
        completion: Column with the answer to learn; `completion` by default.
        system: Column with system prompts; by default `system`, if there is one and the other
            columns are not named either.

    Raises:
        DataError: There is no header, it is not valid CSV, or it lacks a column or has it twice.
    """
    reading = iter(lines)
    head = list(_until_filled(reading))
    wanted = {"prompt": prompt or "prompt", "completion": completion or "completion"}
    if system is not None:
        wanted["system"] = system
    delimiter = _delimiter(head[-1] if head else "", set(wanted.values()))
    # Strict, because the lenient parser keeps stray quotes as text and tells nobody.
    reader = csv.reader(chain(head, reading), delimiter=delimiter, strict=True)
    header = _read_header(reader, file)
    if prompt is None and completion is None and system is None and "system" in header:
        wanted["system"] = "system"
    _check_columns(header, list(wanted.values()), file)
    unused = [name for name in header if name not in wanted.values()]
    note = f"columns {listed(wanted.values())}, separated by {DELIMITERS[delimiter]}"
    if unused:
        note += f"; not used: {listed(unused)}"
    at = {turn: header.index(name) for turn, name in wanted.items()}
    return Table(_rows(reader, file, header, at), note)


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
    except csv.Error as error:
        raise DataError(
            f"The header of {file} is not valid CSV: {error}.", "Repair the quotes in it."
        ) from None
    raise DataError(f"{file} holds no rows; expected a header and rows.", "Put rows into the file.")


def _check_columns(header: Sequence[str], wanted: Sequence[str], file: str) -> None:
    problems, hints = [], []
    for name in wanted:
        if name not in header:
            problems.append(f"has no column {quote(name)}")
            near = nearest(name, header)
            hints.append(f"Did you mean {quote(near)}?" if near else "")
        elif header.count(name) > 1:
            problems.append(f"has the column {quote(name)} more than once")
            hints.append(f"Rename all but one of the columns {quote(name)}.")
    if problems:
        told = " ".join(dict.fromkeys(hint for hint in hints if hint))
        raise DataError(
            f"{file} {' and '.join(problems)}; its columns are {listed(header)}.",
            told or "Name the columns with the texts in the column mapping (data.columns).",
        )


def _rows(reader: Reader, file: str, header: Sequence[str], at: dict[str, int]) -> Iterator[Row]:
    """The rows below the header; the line of a row is the one where it starts."""
    limit = csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        while True:
            place = Place(file, reader.line_num + 1)
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield _broken_row(str(error), place, reader.line_num)
                continue
            if cells is None:
                return
            if not _is_blank(cells):
                yield _read_row(cells, header, at, place)
    finally:
        csv.field_size_limit(limit)


def _is_blank(cells: Sequence[str]) -> bool:
    return len(cells) < 2 and not "".join(cells).strip(BLANK)


def _broken_row(reason: str, place: Place, last: int) -> Row:
    lines = f" (lines {place.line} to {last} were taken as one row)" if last > place.line else ""
    if reason.startswith("field larger"):
        reason = f"a cell is longer than {MAX_CELL_CHARACTERS:,} characters"
    found = place.found(
        "csv.bad_quotes",
        f"not valid CSV: {reason}{lines}",
        'Put a text that holds quotes in quotes, and write each quote in it twice ("").',
    )
    return Row(place.line, findings=(found,))


def _read_row(cells: Sequence[str], header: Sequence[str], at: dict[str, int], place: Place) -> Row:
    if not_utf8 := bad_bytes(" ".join(cells), place):
        return Row(place.line, findings=(not_utf8,))
    if len(cells) != len(header):
        ragged = place.found(
            "csv.ragged_row",
            f"the row has {len(cells)} cells; expected {len(header)}, as in the header",
            "Put a text that holds the separator or a line break in quotes.",
        )
        return Row(place.line, findings=(ragged,))
    texts = {turn: cells[column] for turn, column in at.items()}
    findings: tuple[Finding, ...] = ()
    if not texts["completion"].strip():
        findings = (empty_completion(f"column {quote(header[at['completion']])}", place),)
    return Row(place.line, turns_of_pair(**texts), findings)
