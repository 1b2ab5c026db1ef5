"""How many tokens rows have in common at their beginning, which training computes once.

Over a whole file it is counted on spans of text, in little memory; over a run's batches it is
counted on the tokens themselves, by the forest that trains.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from tunery.data.conversation import Conversation
from tunery.evaluate.statistics.estimate import LEVEL, Interval
from tunery.models.chat_template import ChatTemplate
from tunery.prefix.forest import unique_tokens

BATCHED_ROWS = 1024
"""Rows that are tokenized in full to measure batches; a smaller file is measured whole."""

_LOOSE_NODES = 2_000_000


class SpanTrie:
    """A forest of spans: a node for each beginning of a row, known by a 64-bit hash, 12 bytes each.

    Rows that begin with the same spans share their nodes. Spans that only begin alike are counted
    as different, so rows share at least what is counted here.
    """

    def __init__(self) -> None:
        self._hashes = np.empty(0, np.int64)
        self._sizes = np.empty(0, np.int32)
        self._loose: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        self._loose_nodes = 0

    def add(self, hashes: NDArray[np.int64], sizes: NDArray[np.int32]) -> None:
        """Takes nodes.

        Args:
            hashes: [n], of each node and all nodes above it.
            sizes: [n], tokens of its span.
        """
        nodes, first = np.unique(hashes, return_index=True)
        self._loose.append((nodes, sizes[first]))
        self._loose_nodes += len(nodes)
        if self._loose_nodes > max(_LOOSE_NODES, len(self._hashes)):
            self._settle()

    @property
    def tokens(self) -> int:
        """Tokens of all nodes."""
        self._settle()
        return int(self._sizes.sum(dtype=np.int64))

    def _settle(self) -> None:
        parts = [(self._hashes, self._sizes), *self._loose]
        self._hashes, first = np.unique(np.concatenate([h for h, _ in parts]), return_index=True)
        self._sizes = np.concatenate([sizes for _, sizes in parts])[first]
        self._loose, self._loose_nodes = [], 0


@dataclass(frozen=True, slots=True)
class BatchSharing:
    """What batches save.

    Attributes:
        batch_size: Rows in a batch.
        batches: Batches that were measured.
        rows: Rows in them.
        tokens: Their tokens.
        unique: Tokens that their forests compute.
        whole: Whether these are all rows of the file.
        interval: 95 % interval of the share that is saved (Student's t over batches); None if all
            rows were measured, or a single batch.
    """

    batch_size: int
    batches: int
    rows: int
    tokens: int
    unique: int
    whole: bool
    interval: Interval | None

    @property
    def saved(self) -> float:
        """Share of the tokens that need not be computed."""
        return 1 - self.unique / self.tokens if self.tokens else 0.0


def batch_sharing(
    sample: Sequence[Conversation],
    template: ChatTemplate,
    batch_size: int,
    seed: int,
    *,
    whole: bool,
) -> BatchSharing:
    """Measures shuffled batches.

    Args:
        sample: Rows that the template can render, drawn at random or all there are.
        template: Renders them.
        batch_size: Rows in a batch; the last one of a whole file may have fewer.
        seed: Shuffles the rows.
        whole: Whether these are all rows.
    """
    order = random.Random(seed).sample(range(len(sample)), len(sample))
    if not whole and len(order) > batch_size:
        order = order[: len(order) // batch_size * batch_size]
    sizes: list[tuple[int, int]] = []
    for start in range(0, len(order), batch_size):
        rows = [template.row(sample[index]) for index in order[start : start + batch_size]]
        rows = [row for row in rows if row.ids]
        if rows:
            sizes.append((sum(len(row.ids) for row in rows), unique_tokens(rows)))
    tokens, unique = (sum(column) for column in zip(*sizes, strict=True)) if sizes else (0, 0)
    interval = None if whole else _interval([1 - few / many for many, few in sizes])
    return BatchSharing(batch_size, len(sizes), len(order), tokens, unique, whole, interval)


def _interval(shares: Sequence[float]) -> Interval | None:
    if len(shares) < 2:
        return None
    reach = float(student.ppf((1 + LEVEL) / 2, len(shares) - 1)) * float(
        np.std(shares, ddof=1) / math.sqrt(len(shares))
    )
    mean = float(np.mean(shares))
    return Interval(max(0.0, mean - reach), min(1.0, mean + reach))
