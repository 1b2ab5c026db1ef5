"""The results of measuring: a share, a difference of shares, and the interval around each."""

from __future__ import annotations

from dataclasses import dataclass

LEVEL = 0.95
"""Confidence level of every interval in the house."""

Z = 1.959963984540054
"""The 0.975 quantile of the standard normal distribution, which belongs to `LEVEL`."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval, as fractions: 0.5 is fifty per cent.

    Attributes:
        lower: Lower limit.
        upper: Upper limit.
    """

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Share:
    """How many of `n` were right.

    Attributes:
        right: Count of the right ones.
        n: Count of all, at least 1.
        interval: Where the share of a larger set of the same kind is likely to be.
    """

    right: int
    n: int
    interval: Interval

    @property
    def value(self) -> float:
        """The share as a fraction from 0 to 1."""
        return self.right / self.n


@dataclass(frozen=True, slots=True)
class Difference:
    """The tuned model's share minus the base model's.

    Attributes:
        value: From -1 to 1; positive if the tuned model is better.
        interval: 95 % interval around it.
    """

    value: float
    interval: Interval
