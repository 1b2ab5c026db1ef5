"""JSON Lines: one JSON object on each line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from tunery.data.findings import Finding, Place
from tunery.data.sources.bad_json import ONE_LINE_EACH, guess_cause
from tunery.data.sources.bytes_lines import NumberedLine
from tunery.data.sources.quick_json import quick_object
from tunery.data.sources.row import SourceRow
from tunery.data.sources.text_faults import BLANK, bad_bytes, too_long
from tunery.data.sources.thorough_json import Fault, ThoroughDecoder
from tunery.data.wording import kind_of


def read_lines(lines: Iterable[NumberedLine], file: str) -> Iterator[SourceRow]:
    """Every line that is not blank, as an object or with its problem.

    Args:
        lines: Lines with their numbers, without their ends, as `byte_lines` gives them.
        file: Path of the file, for the findings.
    """
    torn = 0  # the line that ended inside a text, as long as the lines after it are bad as well
    decoder = ThoroughDecoder()
    for number, line in lines:
        if line is not None and (value := quick_object(line)) is not None:
            torn = 0
            yield SourceRow(Place(file, number), value)
            continue
        place = Place(file, number)
        if line is None:
            yield SourceRow(place, problem=too_long(place))
            continue
        raw = line.decode("utf-8", "surrogateescape")
        text = raw.strip(BLANK)
        if not text:
            continue
        if problem := bad_bytes(raw.rstrip("\r\n"), place):
            yield SourceRow(place, problem=problem)
            continue
        row, ends_inside_text = _parse(decoder, text, place, torn)
        if row.problem is None:
            torn = 0
        elif ends_inside_text and not torn:
            torn = number
        yield row


def row_of_value(value: object, faults: Sequence[Fault], place: Place) -> SourceRow:
    """The row of a value that was decoded: an object without faults, or what is wrong with it."""
    if faults:
        return SourceRow(place, problem=place.found(*faults[0]))
    if isinstance(value, dict):
        return SourceRow(place, value)
    message = f"the row is {kind_of(value)}; expected a JSON object"
    return SourceRow(place, problem=place.found("json.not_object", message, ONE_LINE_EACH))


def _parse(decoder: ThoroughDecoder, text: str, place: Place, torn: int) -> tuple[SourceRow, bool]:
    """The row, and whether the line ended inside a text."""
    try:
        value = decoder.decode(text)
    except json.JSONDecodeError as error:
        hint = guess_cause(text, error)
        if torn:
            hint = f"This is probably the rest of the row that starts on line {torn}. {hint}"
        message = f"not valid JSON: {error.msg.removesuffix(' at')} at column {error.pos + 1}"
        found = place.found("json.invalid", message, hint)
        return SourceRow(place, problem=found), error.msg.startswith("Unterminated string")
    except RecursionError:
        return SourceRow(place, problem=too_deep(place)), False
    return row_of_value(value, decoder.faults, place), False


def too_deep(place: Place) -> Finding:
    """The finding for a row that is nested more deeply than the parser goes."""
    return place.found("json.invalid", "not usable JSON: too deeply nested", ONE_LINE_EACH)
