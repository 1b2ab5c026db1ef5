"""Which rows form which optimizer step."""

from __future__ import annotations

import math

import numpy as np


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Optimizer steps in one pass over the rows; the last one may be smaller."""
    return math.ceil(rows / batch_size)


def rows_of_step(step: int, rows: int, batch_size: int, seed: int | None) -> list[int]:
    """Indices of the rows of one step.

    The order is a function of the seed and the epoch alone, so a resumed run needs no stored
    random state to go on as if it had never stopped.

    Args:
        step: From 0, over all epochs.
        rows: Rows in the data.
        batch_size: Rows in a step.
        seed: The run's seed; None keeps the rows' own order.
    """
    epoch, place = divmod(step, steps_per_epoch(rows, batch_size))
    order = (
        np.arange(rows) if seed is None else np.random.default_rng([seed, epoch]).permutation(rows)
    )
    return [int(row) for row in order[place * batch_size : (place + 1) * batch_size]]
