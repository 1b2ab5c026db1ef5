"""How a message shows what the user wrote, and what the user may have meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable

SHOWN_CHARACTERS = 60
LISTED_NAMES = 12


def quote(text: str) -> str:
    """The text in quotes, safe to print: cut, on one line, without control characters."""
    short = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
    shown = "".join(
        c if c.isprintable() or c == " " else c.encode("unicode_escape", "replace").decode()
        for c in json.dumps(short, ensure_ascii=False)
    )
    return shown


def listed(names: Iterable[str]) -> str:
    """Names as the user wrote them, quoted, with commas between; the first few of many."""
    shown = [quote(name) for name in names]
    if (more := len(shown) - LISTED_NAMES) > 0:
        shown[LISTED_NAMES:] = [f"and {more} more"]
    return ", ".join(shown)


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, None if none is near."""
    by_folded = {name.strip().lower(): name for name in known}
    close = difflib.get_close_matches(given.strip().lower(), by_folded, n=1, cutoff=0.7)
    return by_folded[close[0]] if close else None


def kind_of(value: object) -> str:
    """What a JSON value is, in words: "a list", "null", "the number 42"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return f"the number {value!r:.20}"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
