"""JSON values inside a row, as the text that a record keeps.

One way of writing, so that equal values written alike give one text: Python's own separators, the
keys in the order given, no escapes for letters. The order is kept because a chat template shows
tools in it, in training as in serving.
"""

from __future__ import annotations

import json


def json_text(value: object) -> str | None:
    """The value as JSON text; None if JSON cannot say it (NaN, infinity, too deep)."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None


def parsed(text: str) -> object:
    """The value of a JSON text; None if it is not JSON (or is null)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
