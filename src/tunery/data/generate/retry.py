"""When a request is worth repeating, and how long to wait before."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

ATTEMPTS = 6
"""Times that a request is sent at most."""

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
LONGEST_ASKED_WAIT_S = 120.0
"""A server that asks for a longer pause ends the run, which can be resumed."""

_WORTH_REPEATING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})


def is_worth_repeating(status: int) -> bool:
    """Whether the same request may be answered later."""
    return status in _WORTH_REPEATING


def asked_wait(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` asks for (RFC 9110, 10.2.3); None if it asks for none.

    Args:
        header: Its value: seconds, or a date.
        now: The time; the machine's by default.
    """
    if header is None:
        return None
    text = header.strip()
    try:
        return max(0.0, float(text)) if text.replace(".", "", 1).isdecimal() else _until(text, now)
    except (ValueError, TypeError, OverflowError):
        return None


def _until(date: str, now: datetime | None) -> float:
    given: datetime = parsedate_to_datetime(date)
    until = given if given.tzinfo else given.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def own_wait(attempt: int, chance: random.Random) -> float:
    """Seconds before the next try: twice as long each time, less up to a half of it by chance.

    Chance keeps requests that failed together from coming back together ("full" and "equal"
    jitter, M. Brooker, "Exponential Backoff And Jitter", AWS 2015).

    Args:
        attempt: Tries so far, from 1.
        chance: Source of chance.
    """
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempt - 1))
    return longest * (1 - chance.random() / 2)
