"""Rows of several files in given proportions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

from tunery.data.shape.sample import sample
from tunery.errors import DataError


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """Shares a number out by weights, each within one of its exact share.

    The largest remainders get what rounding down leaves (Hamilton's method); of equal ones, the
    first.

    Raises:
        DataError: A weight is not above 0, or there is none.
    """
    if not weights or not all(0 < weight < float("inf") for weight in weights):
        raise DataError(
            f"The weights are {', '.join(f'{weight:g}' for weight in weights) or 'none'}; expected "
            "numbers above 0.",
            "Leave a file out to take nothing of it.",
        )
    whole = sum(map(Fraction, weights))
    exact = [total * Fraction(weight) / whole for weight in weights]
    counts = [int(share) for share in exact]
    by_rest = sorted(range(len(exact)), key=lambda i: counts[i] - exact[i])
    for index in by_rest[: total - sum(counts)]:
        counts[index] += 1
    return counts


def largest_mix(sizes: Sequence[int], weights: Sequence[float]) -> int:
    """Rows of the largest mix in which no row is repeated.

    Args:
        sizes: Rows of each file.
        weights: Part of each file in the mix.

    Raises:
        DataError: A weight is not above 0, or there is none.
    """
    apportion(0, weights)
    whole = sum(map(Fraction, weights))
    pairs = zip(sizes, weights, strict=True)
    return min(int(size * whole / Fraction(weight)) for size, weight in pairs)


def mix(
    sizes: Sequence[int], weights: Sequence[float], rows: int, seed: int
) -> list[tuple[int, int]]:
    """Chooses rows of several files in the proportion of their weights, in a shuffled order.

    A file that has too few rows is repeated whole, as often as it takes, so that no row of it
    stands more than once more often than another.

    Args:
        sizes: Rows of each file.
        weights: Part of each file in the mix.
        rows: Rows of the mix.
        seed: Chooses the rows and their order.

    Returns:
        File and row of each row of the mix, as indexes from 0.

    Raises:
        DataError: A weight is not above 0, or rows shall come from a file without any.
    """
    chosen: list[tuple[int, int]] = []
    counts = apportion(rows, weights)
    for file, (size, count) in enumerate(zip(sizes, counts, strict=True)):
        if count and not size:
            raise DataError(
                f"File {file + 1} of the mix has no rows; expected {count}.", "Leave it out."
            )
        whole, rest = divmod(count, size) if count else (0, 0)
        chosen += [(file, row) for _ in range(whole) for row in range(size)]
        chosen += [(file, row) for row in sample(size, rest, seed + file)]
    random.Random(seed).shuffle(chosen)
    return chosen
