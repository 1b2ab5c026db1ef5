"""JSON values that stay what they were: read and written again, they mean the same.

Python's parser takes more than JSON, and forgets without a word: of two equal keys it keeps the
last, of a long fraction the digits that fit a float. A training row must not change in that way.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any, NoReturn


def read(text: str) -> Any:
    """The value of a JSON text; `write` gives a text of the same meaning.

    Keys keep their order, 1.0 stays a fraction, and integers may have any length that Python reads.

    Raises:
        ValueError: The text is not JSON, or its value would change; the message is a clause.
    """
    try:
        value = json.loads(
            text, parse_float=_fraction, parse_constant=_constant, object_pairs_hook=_object
        )
        write(value).encode("utf-8")
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error.msg}, character {error.pos + 1})") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it holds half a character (a lone surrogate)") from error
    return value


def write(value: Any) -> str:
    """A value as JSON on one line, letters of all languages as they are."""
    return json.dumps(value, ensure_ascii=False)


def _fraction(text: str) -> float:
    value = float(text)
    try:
        same = math.isfinite(value) and Decimal(repr(value)) == Decimal(text)
    except ArithmeticError:  # an exponent that even Decimal does not hold
        same = False
    if not same:
        raise ValueError(f"the number {text:.40} has more digits or a larger exponent than is kept")
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return value
