"""One JSON array whose items are the rows, read item by item."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from tunery.data.findings import Place
from tunery.data.sources.bad_json import guess_cause
from tunery.data.sources.jsonl import row_of_value
from tunery.data.sources.limits import LIMITS, MIB, Damaged
from tunery.data.sources.row import SourceRow
from tunery.data.sources.text_faults import bad_bytes
from tunery.data.sources.text_window import TextWindow
from tunery.data.sources.thorough_json import ThoroughDecoder
from tunery.data.wording import quote

LIST_KEYS = ("data", "rows", "examples")
"""Under these keys an object may hold the rows of a file."""

_NEAR_END = 16  # characters: a number, a word or an escape may be cut where the window ends
_REPAIR = "Repair the JSON at this place; the rows after it cannot be told apart."


def list_start(text: str, names: Iterable[str]) -> tuple[int, str] | None:
    """Where a file's one list of rows begins, and the key that it stands under ("" for none).

    Args:
        text: The beginning of the file, its end where it is short.
        names: Keys of rows: an object that has one before the list is itself a row.

    Returns:
        The place of the "[", or None if the file is rows on lines, as far as its beginning tells.
    """
    blanks = len(text) - len(text.lstrip(" \t\r\n\ufeff\f\v"))
    if text.startswith("[", blanks):
        found = (blanks, "") if re.match(r"\[\s*(?:[{]|\]|$)", text[blanks:]) else None
    elif text.startswith("{", blanks):
        found = _list_in_object(text, blanks + 1, frozenset(names))
    else:
        found = None
    if found is None or _rows_on_lines(text[blanks:]):
        return None
    return found


def _rows_on_lines(text: str) -> bool:
    """Whether the first line is JSON as it stands and another one follows."""
    line, _, rest = text.partition("\n")
    if not rest.strip(" \t\r\n\ufeff\f\v"):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _list_in_object(text: str, at: int, names: frozenset[str]) -> tuple[int, str] | None:
    decoder = json.JSONDecoder()
    pair = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*:\s*')
    try:
        while found := pair.match(text, at):
            key = json.loads(found[1])
            if key in names and key not in LIST_KEYS:
                return None
            if key in LIST_KEYS and re.compile(r"\[\s*[{]").match(text, found.end()):
                return found.end(), key
            _, at = decoder.raw_decode(text, found.end())
            comma = re.compile(r"\s*,").match(text, at)
            if comma is None:
                return None
            at = comma.end()
    except (ValueError, RecursionError):
        return None
    return None


def read_array(
    stream: BinaryIO, start: int, file: str, *, key: str = "", longest: int = LIMITS.line_bytes
) -> Iterator[SourceRow]:
    """Every item of the array; its number, from 1, stands for the line.

    Args:
        stream: UTF-8 without a mark in front.
        start: Where the "[" is, in characters.
        file: Name of the file, for the findings.
        key: The key that the array stands under; "" if it is the whole file.
        longest: Longest item, in characters.

    Raises:
        Damaged: The array cannot be read on; the items before have been given.
    """
    window = TextWindow(stream)
    while len(window.text) <= start and window.more():
        pass
    window.at = start + 1
    decoder = ThoroughDecoder()
    number = 0
    try:
        if window.skip_blanks() == "]":
            window.at += 1
        else:
            for row in _items(window, decoder, file, longest):
                number = row.place.line
                yield row
        if not key and window.skip_blanks():
            raise _stopped(window, window.at, "something follows the end of the array", _REPAIR)
    except Damaged as damage:
        damage.line = number + 1
        raise


def _items(
    window: TextWindow, decoder: ThoroughDecoder, file: str, longest: int
) -> Iterator[SourceRow]:
    number = 0
    mark = ","
    while mark == ",":
        number += 1
        window.skip_blanks()
        value = _item(window, decoder, longest)
        place = Place(file, number)
        text = window.text[window.read_from : window.at]
        if problem := bad_bytes(text, place):
            yield SourceRow(place, problem=problem)
        else:
            yield row_of_value(value, decoder.faults, place)
        mark = window.skip_blanks()
        if mark not in (",", "]"):
            what = "the file ends" if not mark else f"{quote(mark)} stands"
            raise _stopped(window, window.at, f'{what} where "," or "]" was expected', _REPAIR)
        window.at += 1


def _item(window: TextWindow, decoder: ThoroughDecoder, longest: int) -> object:
    """The item that begins here; afterwards the window stands behind it."""
    while True:
        start = window.at
        try:
            value, end = decoder.decode_at(window.text, start)
        except json.JSONDecodeError as error:
            if not window.ended and _may_be_cut(error, window.text):
                if len(window.text) - start > longest:
                    told = f"the row is longer than {longest // MIB} MiB"
                    raise _stopped(window, start, told, _REPAIR) from None
                window.more()
                continue
            text = window.text[start : error.pos + 1000]
            inside = json.JSONDecodeError(error.msg, text, error.pos - start)
            told = f"not valid JSON: {error.msg.removesuffix(' at')}"
            hint = f"{guess_cause(text, inside)} {_REPAIR}"
            raise _stopped(window, error.pos, told, hint) from None
        except RecursionError:
            told = "not usable JSON: too deeply nested"
            raise _stopped(window, start, told, _REPAIR) from None
        if end < len(window.text) or window.ended:
            window.read_from, window.at = start, end
            return value
        window.more()  # a number may go on


def _may_be_cut(error: json.JSONDecodeError, text: str) -> bool:
    return error.msg.startswith("Unterminated string") or error.pos > len(text) - _NEAR_END


def _stopped(window: TextWindow, at: int, what: str, hint: str) -> Damaged:
    line, column = window.line_and_column(at)
    message = f"{what} (line {line}, column {column}); the array was not read beyond this row"
    return Damaged("json.array_broken", message, hint)
