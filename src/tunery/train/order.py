"""Which rows form which optimizer step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from tunery.models.token_row import TokenRow

Batching = Literal["shuffled", "grouped", "in_order"]


class RowOrder:
    """The rows of each step, as a function of the seed and the epoch alone.

    So a resumed run needs no stored random state to go on as if it had never stopped.

    Args:
        rows: All rows of the training.
        batch_size: Rows in a step; the last step of an epoch may have fewer.
        batching: `shuffled` draws rows anew each epoch. `grouped` lays the rows out by their
            token ids, so that rows that begin alike are neighbours, starts each epoch at another
            one, cuts, and draws the order of the steps. `in_order` keeps the rows' own order.
        seed: Of everything that is drawn.
    """

    def __init__(
        self, rows: Sequence[TokenRow], batch_size: int, batching: Batching, seed: int
    ) -> None:
        self.batch_size = batch_size
        self.batching = batching
        self.seed = seed
        self.steps_per_epoch = math.ceil(len(rows) / batch_size)
        self._order = np.arange(len(rows))
        if batching == "grouped":
            self._order = np.array(sorted(range(len(rows)), key=lambda index: rows[index].ids))

    def of_step(self, step: int) -> list[int]:
        """Indices of the rows of one step, which counts from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        order = self._order
        if self.batching != "in_order":
            draw = np.random.default_rng([self.seed, epoch])
            if self.batching == "shuffled":
                order = draw.permutation(len(order))
            else:
                order = np.roll(order, -int(draw.integers(len(order))))
                place = int(draw.permutation(self.steps_per_epoch)[place])
        part = order[place * self.batch_size : (place + 1) * self.batch_size]
        return [int(row) for row in part]
