"""Values of Arrow as values of JSON."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID


class NoJsonError(Exception):
    """A value has no form in JSON; the message says what it is."""


def plain(value: object) -> object:
    """The value as JSON knows it.

    Dates and times become ISO 8601 text, durations their seconds, decimals and UUIDs text. A field
    of an object that is null is left out: Parquet writes null where a row had no such key.

    Args:
        value: What Arrow's `to_pylist` gives.

    Raises:
        NoJsonError: It is bytes, not a finite number, or something else without a form in JSON.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise NoJsonError(f"the number {value}")
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return _list(value)
    return _text(value)


def _list(value: list[object] | tuple[object, ...]) -> object:
    """A list, or the object that a map is: Arrow gives it as pairs."""
    if value and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        return plain(dict(value))  # type: ignore[arg-type]  # pairs, as was just seen
    return [plain(inner) for inner in value]


def _text(value: object) -> object:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, bytes):
        raise NoJsonError(f"{len(value):,} bytes")
    raise NoJsonError(f"a value of the type {type(value).__name__}")
