"""A part of many rows."""

from __future__ import annotations

import random


def sample(count: int, limit: int, seed: int | None) -> list[int]:
    """Chooses rows, each as likely as any other, and keeps their order.

    Args:
        count: Rows that there are.
        limit: Rows to choose; all are taken if there are not more.
        seed: Chooses them; None takes the first ones.

    Returns:
        Indexes, ascending.
    """
    if limit >= count:
        return list(range(count))
    if seed is None:
        return list(range(limit))
    return sorted(random.Random(seed).sample(range(count), limit))
