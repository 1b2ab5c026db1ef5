"""The interval for a difference, made from the intervals of its two parts."""

from __future__ import annotations

import math

from tunery.evaluate.statistics.estimate import Difference, Interval, Share


def square_and_add(first: Share, second: Share, correlation: float) -> Difference:
    """The difference `first - second` with its interval.

    With d = p1 - p2, limits (l1, u1) and (l2, u2), and r the correlation of the two estimates:

        lower = d - sqrt((p1 - l1)^2 - 2 r (p1 - l1)(u2 - p2) + (u2 - p2)^2)
        upper = d + sqrt((u1 - p1)^2 - 2 r (u1 - p1)(p2 - l2) + (p2 - l2)^2)

    Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17:2635-2650, methods 8 to 10; for any pair of
    estimates with intervals: Zou and Donner 2008, Statistics in Medicine 27:1693-1702.

    Args:
        first: What is subtracted from.
        second: What is subtracted.
        correlation: Of the two estimates, from -1 to 1.
    """
    value = first.value - second.value
    below = _combine(
        first.value - first.interval.lower, second.interval.upper - second.value, correlation
    )
    above = _combine(
        first.interval.upper - first.value, second.value - second.interval.lower, correlation
    )
    return Difference(value, Interval(value - below, value + above))


def _combine(one: float, other: float, correlation: float) -> float:
    # Rounding can take an exact zero slightly below zero.
    return math.sqrt(max(one**2 - 2 * correlation * one * other + other**2, 0.0))
