"""The JSON in an answer, whether it is all of it or stands among words."""

from __future__ import annotations

import json
import re

ANSWER_CHARACTERS = 1_000_000
"""A longer answer is not searched."""

_STARTS = 50  # brackets that are tried: an answer with more before its JSON has none
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_START = re.compile(r"[{\[]")
_THOUGHT_END = "</think>"


def find_json(text: str) -> tuple[bool, object]:
    """Whether there is an object or a list in an answer, and which is the first.

    Thoughts before "</think>" are not part of an answer. NaN and Infinity are not JSON.

    Args:
        text: The answer.
    """
    if len(text) > ANSWER_CHARACTERS:
        return False, None
    answer = text.rpartition(_THOUGHT_END)[2].strip()
    fenced = _FENCE.search(answer)
    for piece in [answer, fenced[1].strip()] if fenced else [answer]:
        found, value = _whole(piece)
        if found:
            return True, value
    return _first(answer)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _whole(text: str) -> tuple[bool, object]:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return False, None
    return isinstance(value, dict | list), value


def _first(text: str) -> tuple[bool, object]:
    for count, start in enumerate(_START.finditer(text)):
        if count == _STARTS:
            break
        try:
            value, _ = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) or (isinstance(value, list) and value):
            return True, value
    return False, None
