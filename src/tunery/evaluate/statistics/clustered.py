"""Shares of things that come in clusters: the fields of one row tend to fail together.

Treating 240 fields of 60 rows as 240 independent trials would promise too much. Here the rows are
what was sampled: the variance of the share is that of a ratio estimator over rows, it says how
many independent fields the sample is worth, and the Wilson interval is taken at that number. A
bootstrap over rows, or share plus or minus standard errors, shrinks to a point where every field
is right, which is where a well-tuned model ends; this keeps a width there. In the simulations of
Franco, Little, Louis and Slud 2019 (Journal of Survey Statistics and Methodology 7:334-364) the
Wilson form at the effective size is one of the two that they recommend.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.stats import t as student_t

from tunery.evaluate.statistics.estimate import LEVEL, Difference, Interval, Share, Z
from tunery.evaluate.statistics.square_and_add import square_and_add

Cluster = tuple[int, int]
"""One row: how many of its fields are right, and how many it has (at least 1)."""


def clustered_share(clusters: Sequence[Cluster]) -> Share:
    """The share of right fields over all rows, with an interval that takes rows as the sample.

    Args:
        clusters: One pair a row, at least one.
    """
    right, n = sum(a for a, _ in clusters), sum(k for _, k in clusters)
    return Share(right, n, _wilson_at(right / n, effective_size(clusters)))


def clustered_difference(base: Sequence[Cluster], tuned: Sequence[Cluster]) -> Difference:
    """The tuned share minus the base share of the same rows' fields, with its interval.

    Both intervals of `clustered_share` are put together by squaring and adding. A positive
    correlation of the models' results within rows, which would narrow the interval, is taken as
    0, since few rows measure it badly: the interval is rather too wide than too narrow.

    Args:
        base: One pair a row.
        tuned: The same rows in the same order.
    """
    correlation = _correlation(_residuals(base), _residuals(tuned))
    return square_and_add(clustered_share(tuned), clustered_share(base), min(correlation, 0.0))


def design_effect(clusters: Sequence[Cluster]) -> float:
    """How many times larger the variance of the share is than if all fields were independent.

    With a_i right of k_i fields in each of m rows, n = sum k_i and p = sum a_i / n, the variance
    is that of the ratio estimator, v = m / (m - 1) / n^2 * sum (a_i - p k_i)^2, and the design
    effect n v / (p (1 - p)): Rao and Scott 1992, "A simple method for the analysis of clustered
    binary data", Biometrics 48:577-585; the variance is in Cochran 1977, "Sampling Techniques",
    chapter 3.

    Args:
        clusters: At least two rows, with at least one field right and one wrong.
    """
    rows, n = len(clusters), sum(k for _, k in clusters)
    p = sum(a for a, _ in clusters) / n
    variance = rows / (rows - 1) / n**2 * sum(r**2 for r in _residuals(clusters))
    return n * variance / (p * (1 - p))


def effective_size(clusters: Sequence[Cluster]) -> float:
    """How many independent fields the sample is worth.

    n divided by the design effect, times (z / t)^2 with t for m - 1 degrees of freedom, since the
    design effect is itself measured on m rows (Korn and Graubard 1998, Survey Methodology
    24:193-201). It lies between two ends: n, all fields independent; and n^2 / sum k_i^2, the
    fields of a row all right or all wrong together, which is the number of rows if they have
    equally many fields (Kish 1965, "Survey Sampling": correlation 1 within rows). The lower end
    is also taken where the data cannot tell: one row, or every field alike.

    Args:
        clusters: One pair a row, at least one.
    """
    rows, n = len(clusters), sum(k for _, k in clusters)
    fewest = n**2 / sum(k**2 for _, k in clusters)
    if rows < 2 or sum(a for a, _ in clusters) in (0, n):
        return fewest
    effect = design_effect(clusters)
    shrink = (Z / float(student_t.ppf((1 + LEVEL) / 2, rows - 1))) ** 2
    most = float(n)
    return min(max(n / effect * shrink, fewest), most) if effect > 0 else most


def _wilson_at(p: float, n: float) -> Interval:
    # scipy's Wilson interval takes whole counts only; an effective size is seldom whole.
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    lower = 0.0 if p == 0 else max(centre - half, 0.0)
    return Interval(lower, 1.0 if p == 1 else min(centre + half, 1.0))


def _residuals(clusters: Sequence[Cluster]) -> list[float]:
    p = sum(a for a, _ in clusters) / sum(k for _, k in clusters)
    return [a - p * k for a, k in clusters]


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    # Residuals sum to zero by construction, so no mean is taken off.
    scale = math.sqrt(sum(x**2 for x in one) * sum(y**2 for y in other))
    return sum(x * y for x, y in zip(one, other, strict=True)) / scale if scale else 0.0
