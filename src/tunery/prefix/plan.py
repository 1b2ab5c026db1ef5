"""An optimizer step's rows, cut into micro-batches that fit in memory."""

from __future__ import annotations

from collections.abc import Sequence

from tunery.models.token_row import TokenRow
from tunery.prefix.forest import shared_length


def cut(rows: Sequence[TokenRow], budget: int, *, sharing: bool = True) -> list[list[int]]:
    """Groups rows so that each group has few unique tokens.

    Rows are taken in lexicographic order, so that rows that begin alike meet in one group. The
    cut changes memory and speed, never the sum of the gradients.

    Args:
        rows: The rows of one optimizer step.
        budget: Most unique tokens in a group; a row longer than this gets a group of its own.
        sharing: False counts every token of every row, see `prefix.sharing`.

    Returns:
        Indices into `rows`, a list a group.
    """
    order = sorted(range(len(rows)), key=lambda index: rows[index].ids)
    groups: list[list[int]] = []
    size = 0
    for index in order:
        ids = rows[index].ids
        fresh = len(ids)
        if groups and sharing:
            fresh -= shared_length(rows[groups[-1][-1]].ids, ids)
        if not groups or size + fresh > budget:
            groups.append([])
            size, fresh = 0, len(ids)
        groups[-1].append(index)
        size += fresh
    return groups
