"""Counts of whole numbers, from which means and quantiles are exact."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

MOST_VALUES = 200_000
"""Most distinct values that are kept exactly."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Values from `start` up to and with `end`, and how many there were."""

    start: int
    end: int
    count: int


@dataclass(slots=True)
class Histogram:
    """How often each number occurred.

    While there are at most `MOST_VALUES` different numbers, everything is exact. Beyond, numbers
    are rounded down to 1 part in 256, and `rounded` says so; sum, mean and largest stay exact.

    Attributes:
        counts: Occurrences of each number.
        n: Numbers in all.
        total: Their sum.
        squares: The sum of their squares.
        largest: The largest; 0 if there are none.
        rounded: Whether there were too many different ones.
    """

    counts: dict[int, int] = field(default_factory=dict)
    n: int = 0
    total: int = 0
    squares: int = 0
    largest: int = 0
    rounded: bool = False

    def add(self, value: int, times: int = 1) -> None:
        """Takes a number, not below 0."""
        self.n += times
        self.total += value * times
        self.squares += value * value * times
        if value > self.largest:
            self.largest = value
        key = _rounded(value) if self.rounded else value
        self.counts[key] = self.counts.get(key, 0) + times
        if len(self.counts) > MOST_VALUES:
            self._round()

    def add_many(self, values: Iterable[tuple[int, int]]) -> None:
        """Takes numbers with how often each occurred."""
        for value, times in values:
            self.add(value, times)

    def merge(self, other: Histogram) -> None:
        """Takes over what another counted."""
        self.n += other.n
        self.total += other.total
        self.squares += other.squares
        self.largest = max(self.largest, other.largest)
        if other.rounded and not self.rounded:
            self._round()
        for value, times in other.counts.items():
            key = _rounded(value) if self.rounded else value
            self.counts[key] = self.counts.get(key, 0) + times
        if len(self.counts) > MOST_VALUES:
            self._round()

    def _round(self) -> None:
        self.rounded = True
        before, self.counts = self.counts, {}
        for value, times in before.items():
            self.counts[_rounded(value)] = self.counts.get(_rounded(value), 0) + times

    @property
    def mean(self) -> float:
        """The mean; 0 if there are no numbers."""
        return self.total / self.n if self.n else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation of a sample (divided by n - 1); 0 for fewer than two numbers."""
        if self.n < 2:
            return 0.0
        # Whole numbers, so that nothing is lost where the mean is large.
        return math.sqrt((self.squares * self.n - self.total**2) / (self.n * (self.n - 1)))

    def quantiles(self, shares: Iterable[float]) -> list[int]:
        """For each share, the smallest number that at least that share of all does not exceed.

        That is the inverse of the distribution function (Hyndman and Fan 1996, "Sample Quantiles
        in Statistical Packages", definition 1): always a number that occurred.
        """
        if not self.counts:
            return [0 for _ in shares]
        values = sorted(self.counts)
        seen = list(accumulate(self.counts[value] for value in values))
        needed = (max(1, math.ceil(share * self.n - 1e-9)) for share in shares)
        return [values[bisect_left(seen, number)] for number in needed]

    def bins(self, most: int) -> list[Bin]:
        """Bins of equal width, at most so many, from the smallest to the largest number."""
        if not self.counts:
            return []
        low, high = min(self.counts), max(self.counts)
        width = max(1, math.ceil((high - low + 1) / most))
        sizes = [0] * ((high - low) // width + 1)
        for value, times in self.counts.items():
            sizes[(value - low) // width] += times
        return [
            Bin(low + index * width, low + (index + 1) * width - 1, size)
            for index, size in enumerate(sizes)
        ]


def _rounded(value: int) -> int:
    shift = max(0, value.bit_length() - 8)
    return value >> shift << shift
