"""Two models on the same rows: who got more right, and could it be luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from tunery.evaluate.statistics.estimate import Difference
from tunery.evaluate.statistics.square_and_add import square_and_add
from tunery.evaluate.statistics.wilson import wilson_share


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """The four ways in which a row can end, and what follows from their counts.

    Attributes:
        both_right: Rows that both models got right.
        gained: Rows that only the tuned model got right (McNemar's c, with the base model first).
        lost: Rows that only the base model got right (McNemar's b).
        both_wrong: Rows that neither got right.
        p_value: Of McNemar's exact test, two-sided; 1 if no row differs.
        difference: Tuned share minus base share, Newcombe's method 10.
    """

    both_right: int
    gained: int
    lost: int
    both_wrong: int
    p_value: float
    difference: Difference


def paired_comparison(base: Sequence[bool], tuned: Sequence[bool]) -> PairedComparison:
    """Compares two models row by row.

    Args:
        base: Whether the base model got each row right, at least one row.
        tuned: The same for the tuned model, in the same order.

    Raises:
        ValueError: The two have different lengths.
    """
    pairs = list(zip(base, tuned, strict=True))
    both_right, gained = pairs.count((True, True)), pairs.count((False, True))
    lost, both_wrong = pairs.count((True, False)), pairs.count((False, False))
    return PairedComparison(
        both_right=both_right,
        gained=gained,
        lost=lost,
        both_wrong=both_wrong,
        p_value=mcnemar_exact(lost, gained),
        difference=newcombe_difference(both_right, gained, lost, both_wrong),
    )


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided p-value of McNemar's exact conditional test.

    Under "both models are equally good", each row that differs is a fair coin: b of b + c is
    binomial with 1/2 (McNemar 1947; Fagerland, Lydersen and Laake 2013, BMC Medical Research
    Methodology 13:91). Without such rows the data say nothing and the value is 1.

    Args:
        b: Rows that only the one model got right.
        c: Rows that only the other got right.
    """
    return float(binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0


def newcombe_difference(both: int, only_first: int, only_second: int, neither: int) -> Difference:
    """The first share minus the second, of paired rows, with Newcombe's interval.

    Method 10 of Newcombe 1998 (Statistics in Medicine 17:2635-2650): Wilson limits of the two
    shares, put together with the correlation phi of the pairs. With e, f, g, h the four counts in
    the order of the arguments and n their sum, phi is (eh - fg) / sqrt((e+f)(g+h)(e+g)(f+h)),
    where a positive eh - fg is first reduced by n/2, though not below 0; phi is 0 where the root
    is 0.
    """
    n = both + only_first + only_second + neither
    root = math.sqrt(
        (both + only_first)
        * (only_second + neither)
        * (both + only_second)
        * (only_first + neither)
    )
    cross = float(both * neither - only_first * only_second)
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    return square_and_add(
        wilson_share(both + only_first, n),
        wilson_share(both + only_second, n),
        correlation=cross / root if root else 0.0,
    )
