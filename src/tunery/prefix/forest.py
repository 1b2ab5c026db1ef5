"""Rows that begin alike, merged: the data structure that training computes on.

A node is a span of tokens with one parent; a row is a path from a root to a node. Nodes lie in
depth-first order, so everything below a node follows it directly: attention then needs slices
only, never an index (see `prefix.attention`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tunery.models.token_row import TokenRow

MIN_SHARED = 4
"""Shortest shared span, in tokens, that gets a node of its own: a shorter one saves less than the
extra attention call of its node costs."""


@dataclass(frozen=True, slots=True)
class Node:
    """A span of tokens that one or more rows pass through.

    Attributes:
        start: First token of the span, counted over the forest.
        end: One past its last token.
        below: One past the last token of its last descendant; `end` if it has none.
        depth: Position of the first token in its rows.
    """

    start: int
    end: int
    below: int
    depth: int


@dataclass(frozen=True, slots=True)
class Forest:
    """All rows of one forward pass. T unique tokens, M targets.

    Attributes:
        input_ids: [T] int64, nodes in depth-first order.
        position_ids: [T] int64, the place of each token in its rows.
        nodes: In order of `start`.
        target_index: [M] int64, the token whose hidden state predicts the target.
        target_id: [M] int64, the token predicted.
        target_weight: [M] float32, its loss weight.
        target_row: [M] int64, the row it belongs to, in the order given.
        rows: The rows, in the order given.
        paths: The tokens of each row, [n] int64 each.

    Targets come row by row, in the rows' order, and by position within a row.
    """

    input_ids: Tensor
    position_ids: Tensor
    nodes: tuple[Node, ...]
    target_index: Tensor
    target_id: Tensor
    target_weight: Tensor
    target_row: Tensor
    rows: tuple[TokenRow, ...]
    paths: tuple[Tensor, ...]

    @property
    def unique_tokens(self) -> int:
        """T, the tokens that are computed."""
        return int(self.input_ids.numel())

    @property
    def tokens(self) -> int:
        """Tokens of all rows together, before merging."""
        return sum(len(path) for path in self.paths)


def shared_length(left: Sequence[int], right: Sequence[int]) -> int:
    """Length of the longest common prefix of two rows."""
    limit = min(len(left), len(right))
    if left[:limit] == right[:limit]:
        return limit
    low, high = 0, limit
    while high - low > 1:  # left[:low] is shared and left[:high] is not; slices compare in C
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


@dataclass(slots=True)
class _Open:
    """A node whose last descendant is not yet known."""

    start: int
    end: int
    depth: int


class _Builder:
    """Adds rows in lexicographic order; `path` holds the nodes of the row added last."""

    def __init__(self, min_shared: int) -> None:
        self.min_shared = min_shared
        self.path: list[_Open] = []
        self.nodes: list[Node] = []
        self.size = 0  # tokens placed so far

    def add(self, length: int, shared: int) -> int:
        """Adds a row of `length` tokens; returns how many of the `shared` ones it takes over."""
        while self.path and self.path[-1].depth >= shared:
            self._close()
        if self.path:
            top = self.path[-1]
            cut = shared - top.depth
            if top.start + cut < top.end:
                if cut < self.min_shared:
                    shared = top.depth
                    self._close()
                else:  # tokens stay where they are: the lower part follows the upper one
                    lower = Node(top.start + cut, top.end, self.size, shared)
                    self.nodes.append(lower)
                    top.end = lower.start
        if length > shared:
            self.path.append(_Open(self.size, self.size + length - shared, shared))
            self.size += length - shared
        return shared

    def close(self) -> tuple[Node, ...]:
        """All nodes, in order of their start."""
        while self.path:
            self._close()
        return tuple(sorted(self.nodes, key=lambda node: node.start))

    def _close(self) -> None:
        node = self.path.pop()
        self.nodes.append(Node(node.start, node.end, self.size, node.depth))


def unique_tokens(
    rows: Sequence[TokenRow], min_shared: int = MIN_SHARED, *, sharing: bool = True
) -> int:
    """Tokens that a forest of these rows computes; see `build_forest`."""
    builder = _Builder(max(min_shared, 1))
    before: tuple[int, ...] = ()
    for ids in sorted(row.ids for row in rows):
        builder.add(len(ids), shared_length(before, ids) if sharing else 0)
        before = ids
    return builder.size


def build_forest(
    rows: Sequence[TokenRow], min_shared: int = MIN_SHARED, *, sharing: bool = True
) -> Forest:
    """Merges the equal prefixes of rows.

    Args:
        rows: In any order; empty rows are not allowed.
        min_shared: See `MIN_SHARED`; 1 shares everything.
        sharing: False makes each row a tree of one node, see `prefix.sharing`.
    """
    order = sorted(range(len(rows)), key=lambda index: rows[index].ids)
    builder = _Builder(max(min_shared, 1))
    ids: list[int] = []
    positions: list[int] = []
    paths = [torch.empty(0, dtype=torch.int64)] * len(rows)
    before: tuple[int, ...] = ()
    path = paths[0]
    for number in order:
        row = rows[number]
        shared = builder.add(len(row.ids), shared_length(before, row.ids) if sharing else 0)
        fresh = torch.arange(len(ids), len(ids) + len(row.ids) - shared)
        paths[number] = path = torch.cat([path[:shared], fresh])
        ids.extend(row.ids[shared:])
        positions.extend(range(shared, len(row.ids)))
        before = row.ids
    weights = [torch.tensor(row.weights, dtype=torch.float32) for row in rows]
    learned = [weight.nonzero()[:, 0] for weight in weights]
    every = list(zip(rows, paths, weights, learned, strict=True))
    return Forest(
        input_ids=torch.tensor(ids, dtype=torch.int64),
        position_ids=torch.tensor(positions, dtype=torch.int64),
        nodes=builder.close(),
        target_index=torch.cat([path[at - 1] for _, path, _, at in every]),
        target_id=torch.cat([torch.tensor(row.ids)[at] for row, _, _, at in every]),
        target_weight=torch.cat([weight[at] for _, _, weight, at in every]),
        target_row=torch.cat([torch.full_like(at, i) for i, (_, _, _, at) in enumerate(every)]),
        rows=tuple(rows),
        paths=tuple(paths),
    )
