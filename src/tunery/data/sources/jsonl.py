"""JSON Lines: one JSON object on each line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tunery.data.findings import Place
from tunery.data.sources.bad_json import ONE_LINE_EACH, guess_cause
from tunery.data.sources.quick_json import quick_object
from tunery.data.sources.row import SourceRow
from tunery.data.sources.text_file import BLANK, bad_bytes, last_character
from tunery.data.wording import kind_of, quote
from tunery.errors import DataError


class _DuplicateKeyError(Exception):
    """A key occurs twice; the parser would silently keep the last value."""


def read_objects(lines: Iterable[str], file: str) -> Iterator[SourceRow]:
    """Every line that is not blank, as an object or with its problem.

    Args:
        lines: The lines, from the first of the file on.
        file: Path of the file, for the findings.
    """
    encoded = (line.encode("utf-8", "surrogateescape") for line in lines)
    return read_lines(encoded, file)


def read_lines(lines: Iterable[bytes], file: str, first: int = 1) -> Iterator[SourceRow]:
    """Every line that is not blank, as an object or with its problem.

    Args:
        lines: The lines, in bytes.
        file: Path of the file, for the findings.
        first: Number of the first of these lines.
    """
    torn = 0  # the line that ended inside a text, as long as the lines after it are bad as well
    for number, line in enumerate(lines, start=first):
        if (value := quick_object(line)) is not None:
            torn = 0
            yield SourceRow(Place(file, number), value)
            continue
        raw = line.decode("utf-8", "surrogateescape")
        text = raw.strip(BLANK)
        if not text:
            continue
        place = Place(file, number)
        if problem := bad_bytes(raw.rstrip("\r\n"), place):
            yield SourceRow(place, problem=problem)
            continue
        row, ends_inside_text = _parse(text, place, torn)
        if row.problem is None:
            torn = 0
        elif ends_inside_text and not torn:
            torn = number
        yield row


def refuse_array(lines: Iterable[str], path: Path) -> None:
    """Stops a file that is one JSON array, each line of which would be listed as bad.

    Raises:
        DataError: The file is a JSON array.
    """
    filled = (text for line in lines if (text := line.strip(BLANK)))
    first = next(filled, "")
    if not first.startswith("[") or last_character(path) != "]":
        return
    if _is_json(first) and next(filled, None) is not None:
        return  # a row that is a list, among others: its own finding tells
    raise DataError(
        f"{path} is a JSON array, not JSONL; expected one JSON object on each line.",
        "Write each object on a line of its own; jq -c '.[]' OLD > NEW does it.",
    )


def _parse(text: str, place: Place, torn: int) -> tuple[SourceRow, bool]:
    """The row, and whether the line ended inside a text."""
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except _DuplicateKeyError as error:
        message = f"the key {quote(str(error))} occurs twice in one object; expected it once"
        hint = "Keep the one that is meant."
        return SourceRow(place, problem=place.found("json.duplicate_key", message, hint)), False
    except json.JSONDecodeError as error:
        hint = guess_cause(text, error)
        if torn:
            hint = f"This is probably the rest of the row that starts on line {torn}. {hint}"
        message = f"not valid JSON: {error.msg.removesuffix(' at')} at column {error.pos + 1}"
        found = place.found("json.invalid", message, hint)
        return SourceRow(place, problem=found), error.msg.startswith("Unterminated string")
    except (ValueError, RecursionError) as error:
        what = "too deeply nested" if isinstance(error, RecursionError) else "a number is too long"
        found = place.found("json.invalid", f"not usable JSON: {what}", ONE_LINE_EACH)
        return SourceRow(place, problem=found), False
    if isinstance(value, dict):
        return SourceRow(place, value), False
    message = f"the row is {kind_of(value)}; expected a JSON object"
    return SourceRow(place, problem=place.found("json.not_object", message, ONE_LINE_EACH)), False


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        [(key, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _DuplicateKeyError(key)
    return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
