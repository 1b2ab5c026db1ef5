"""JSON as RFC 8259 means it, with nothing that two readers could take differently."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

MAX_DEPTH = 64


def parse_structure(text: str) -> dict[str, Any] | list[Any] | None:
    """The JSON object or array that `text` is, or None.

    Whitespace around it does not matter; any other text around it (a code fence, a sentence)
    makes the result None. So do NaN and infinite numbers, an object with the same key twice, and
    nesting deeper than 64: readers do not agree on them. A lone number, word or string is no
    structure, and None as well.
    """
    try:
        value = json.loads(
            text.strip(),
            parse_float=_finite,
            parse_constant=_refuse,
            object_pairs_hook=_unique_keys,
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) and not _is_deep(value) else None


def same_value(one: Any, other: Any) -> bool:
    """Whether two parsed values are the same JSON value.

    The order of keys does not matter, that of a list does. Types matter: true is neither "true"
    nor 1. JSON has one type of number, so 1 and 1.0 are the same.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _unique_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("duplicate key")
    return keys


def _is_deep(value: Any) -> bool:
    # Level by level rather than by recursion, which is what depth would break.
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return any(isinstance(node, dict | list) for node in level)
