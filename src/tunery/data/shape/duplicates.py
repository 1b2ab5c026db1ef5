"""Rows that say what an earlier row says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tunery.data.records import Record
from tunery.data.shape.identity import content_of

Near = Callable[[Sequence[Record]], Iterable[tuple[int, int]]]
"""Finds pairs of rows that say nearly the same, as indexes of the records that it is given."""


class Duplicate(NamedTuple):
    """A row that another one stands for.

    Attributes:
        row: Its index.
        of: Index of the earlier row that is kept.
        exact: Whether the two say the same; False if nearly.
    """

    row: int
    of: int
    exact: bool


def find_duplicates(records: Sequence[Record], near: Near | None = None) -> list[Duplicate]:
    """The rows to leave out, so that each thing is said once: the first row that says it stays.

    Args:
        records: The rows, in order.
        near: Finds near duplicates among the rows that differ; none are looked for by default. A
            row is left out if it is near an earlier one that is kept; what is near only to a row
            that is left out stays.

    Returns:
        Ascending by row.
    """
    first: dict[bytes, int] = {}
    found: list[Duplicate] = []
    for index, record in enumerate(records):
        earlier = first.setdefault(content_of(record), index)
        if earlier != index:
            found.append(Duplicate(index, earlier, exact=True))
    if near is None:
        return found
    kept = list(first.values())
    stands_for: dict[int, int] = {}
    for later, earlier in sorted(
        (max(pair), min(pair)) for pair in near([records[i] for i in kept])
    ):
        if later != earlier and later not in stands_for and earlier not in stands_for:
            stands_for[later] = earlier
    found += [Duplicate(kept[row], kept[of], exact=False) for row, of in stands_for.items()]
    # what was a copy of a row that is left out now has the row that stands for both
    moved = {kept[row]: kept[of] for row, of in stands_for.items()}
    return sorted(
        d._replace(of=moved.get(d.of, d.of), exact=d.exact and d.of not in moved) for d in found
    )
