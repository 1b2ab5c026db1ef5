"""What a sample tells of the whole file: each figure with its interval and the method."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.stats import binom
from scipy.stats import t as student

from tunery.data.histogram import Histogram
from tunery.evaluate.statistics.estimate import LEVEL
from tunery.evaluate.statistics.wilson import wilson_share
from tunery.pipelines.profile import Profile

WILSON = "Wilson"
STUDENT = "Student's t"
ORDER = "order statistics"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of the whole file, as far as a sample shows it.

    Attributes:
        name: What it is.
        value: In the sample.
        lower: Lower limit of its 95 % interval.
        upper: Upper limit.
        is_share: Whether it is a fraction.
        method: How the interval was made.
    """

    name: str
    value: float
    lower: float
    upper: float
    is_share: bool
    method: str


def estimates(profile: Profile) -> list[Estimate]:
    """Estimates of the figures that a run depends on; none if all rows were looked at."""
    if profile.looked_at == profile.total or not profile.tokens.lengths.n:
        return []
    tokens = profile.tokens
    return [
        _share("rows with errors", profile.looked_at - profile.used, profile.looked_at),
        _share("rows that are too long", tokens.cut.rows, tokens.rows),
        _mean("tokens of a row, mean", tokens.lengths),
        _mean("trained tokens of a row, mean", tokens.trained),
        *(
            _quantile(f"tokens of a row, {name}", tokens.lengths, share)
            for name, share in (("5 %", 0.05), ("median", 0.5), ("95 %", 0.95))
        ),
    ]


def _share(name: str, count: int, n: int) -> Estimate:
    share = wilson_share(count, n)
    return Estimate(name, share.value, share.interval.lower, share.interval.upper, True, WILSON)


def _mean(name: str, values: Histogram) -> Estimate:
    """The interval that holds for means of many rows, whatever their distribution."""
    reach = 0.0
    if values.n > 1:
        quantile = float(student.ppf((1 + LEVEL) / 2, values.n - 1))
        reach = quantile * values.deviation / math.sqrt(values.n)
    return Estimate(
        name, values.mean, max(0.0, values.mean - reach), values.mean + reach, False, STUDENT
    )


def _quantile(name: str, values: Histogram, share: float) -> Estimate:
    """The interval between two of the sample's values, whose ranks are binomial.

    It takes no distribution for granted (David and Nagaraja 2003, "Order Statistics", 7.1).
    """
    tail = (1 - LEVEL) / 2
    low = float(binom.ppf(tail, values.n, share)) / values.n
    high = min(1.0, float(binom.ppf(1 - tail, values.n, share) + 1) / values.n)
    value, lower, upper = values.quantiles([share, low, high])
    return Estimate(name, value, lower, upper, False, ORDER)
