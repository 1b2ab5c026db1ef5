"""The score interval for a share of independent rows (Wilson 1927)."""

from __future__ import annotations

from scipy.stats import binomtest

from tunery.evaluate.statistics.estimate import LEVEL, Interval, Share


def wilson_share(right: int, n: int) -> Share:
    """A share with its Wilson interval, without continuity correction.

    Chosen because it stays within 0 and 1 and keeps a width at 0 % and 100 %, where the textbook
    interval shrinks to a point (Newcombe 1998, "Two-sided confidence intervals for the single
    proportion", Statistics in Medicine 17:857-872, method 3).

    Args:
        right: Count of the right ones, from 0 to `n`.
        n: Count of all, at least 1.
    """
    limits = binomtest(right, n).proportion_ci(confidence_level=LEVEL, method="wilson")
    return Share(right, n, Interval(float(limits.low), float(limits.high)))
