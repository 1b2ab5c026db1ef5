"""Rows divided into parts, such as training, validation and test rows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable, Sequence
from fractions import Fraction

from tunery.errors import DataError


def divide(
    groups: Sequence[Hashable],
    shares: Sequence[float],
    seed: int,
    labels: Sequence[Hashable] | None = None,
) -> list[int]:
    """Chooses a part for each row, so that no group stands in two parts.

    Without labels, the largest groups are given out first, in a seeded order, each to the part
    that lacks most rows. A part then has less than one largest group more or fewer rows than its
    share: no part lacks a group at the end, because every other one would have been given less.

    With labels, groups of one label are given out one after the other, each to the part that lacks
    most rows of those given out so far: systematic sampling of a sorted list, which gives each
    label its shares (W. G. Cochran, Sampling Techniques, 1977, chapter 8). Against its share, a
    part of k has fewer than k largest groups more or fewer rows of a label, and of all rows.

    Args:
        groups: For each row, what it must stay together with; rows with equal keys are a group.
        shares: Size of each part against the others; 0 gives a part no row.
        seed: Chooses among all that fit.
        labels: For each row, what every part shall have its share of. A group counts for the label
            that most of its rows have.

    Returns:
        For each row, the index of its part.

    Raises:
        DataError: The shares are not such, or a part with a share got no row.
    """
    if not all(0 <= share < float("inf") for share in shares) or not sum(shares):
        raise DataError(
            f"The shares are {', '.join(f'{share:g}' for share in shares)}; expected numbers of at "
            "least 0, one of them above it.",
            "Give 80,10,10 for four fifths, a tenth and a tenth.",
        )
    rows_of: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        rows_of.setdefault(group, []).append(index)
    ordered = _ordered(list(rows_of.values()), random.Random(seed), labels)
    whole = sum(map(Fraction, shares))
    exact = [Fraction(share) / whole for share in shares]
    parts = [0] * len(groups)
    sizes = [0] * len(shares)
    given = 0
    for rows in ordered:
        given += len(rows)
        due = len(groups) if labels is None else given
        lacking = [share * due - size for share, size in zip(exact, sizes, strict=True)]
        wanted = [index for index, share in enumerate(exact) if share]
        part = max(wanted, key=lambda index: lacking[index])
        sizes[part] += len(rows)
        for row in rows:
            parts[row] = part
    _refuse_empty(sizes, exact, len(groups), len(rows_of))
    return parts


def _ordered(
    groups: list[list[int]], chance: random.Random, labels: Sequence[Hashable] | None
) -> list[list[int]]:
    """The order in which groups are given out; ties stay as they were shuffled."""
    chance.shuffle(groups)
    groups.sort(key=len, reverse=True)
    if labels is None:
        return groups
    by_label: dict[Hashable, list[list[int]]] = {}
    for rows in groups:
        label = Counter(labels[row] for row in rows).most_common(1)[0][0]
        by_label.setdefault(label, []).append(rows)
    return [rows for members in by_label.values() for rows in members]


def _refuse_empty(sizes: Sequence[int], shares: Sequence[Fraction], rows: int, groups: int) -> None:
    for size, share in zip(sizes, shares, strict=True):
        if share and not size:
            raise DataError(
                f"A part with {float(share):.2%} of {rows} row(s) in {groups} group(s) would be "
                "empty; expected at least one group for each part.",
                "Add rows, give the part a larger share, or the share 0 to leave it out.",
            )
