"""Stops a training whose loss has left all that a normal one does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tunery.errors import DivergedError
from tunery.models.token_row import TokenRow
from tunery.train.events import StepDone
from tunery.train.loop import listed

FIRST_ROWS = 16
"""Rows whose mean loss stands for the untrained model."""

RECENT_ROWS = 64
RECENT_STEPS = 10
"""The recent loss is a mean over at least so many rows and steps, so that one hard row does not
look like a divergence when steps are small."""


class DivergenceGuard:
    """Compares the recent loss with the lowest one, and with the first.

    A training has diverged when the mean loss of the last steps is above `factor` times the lowest
    such mean so far, and above the mean of the first steps: worse than before it began.

    Args:
        factor: See above; None never stops.
        batch_size: Rows in a step.
    """

    def __init__(self, factor: float | None, batch_size: int) -> None:
        self.factor = factor
        self.window = max(RECENT_STEPS, math.ceil(RECENT_ROWS / batch_size))
        self._first_steps = math.ceil(FIRST_ROWS / batch_size)
        self._recent: list[float] = []
        self._first = math.inf
        self._lowest = math.inf

    def check(self, done: StepDone, rows: Sequence[TokenRow]) -> None:
        """Takes in the loss of a step.

        Args:
            done: The step.
            rows: The training rows.

        Raises:
            DivergedError: The training has diverged; names the step and its rows.
        """
        self._recent = [*self._recent, done.loss][-self.window :]
        mean = sum(self._recent) / len(self._recent)
        if done.step == self._first_steps:
            self._first = self._lowest = mean
        if len(self._recent) < self.window:
            return
        if self.factor and mean > max(self.factor * self._lowest, self._first):
            raise DivergedError(
                f"The training has diverged at step {done.step}: over the last {self.window} steps "
                f"the loss was {mean:.2f}, which is more than {self.factor:g} times the lowest "
                f"before ({self._lowest:.2f}) and more than at the start ({self._first:.2f}). Rows "
                f"of step {done.step}: {listed(rows, done.row_numbers, done.row_losses)}.",
                "Lower train.learning_rate, or look at those rows; train.divergence_factor sets "
                "when a run is stopped.",
            )
        self._lowest = min(self._lowest, mean)

    def state(self) -> dict[str, Any]:
        """What a resumed training must know, as JSON values."""
        first, lowest = (
            value if math.isfinite(value) else None for value in (self._first, self._lowest)
        )
        return {"recent": self._recent, "first": first, "lowest": lowest}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `state` gave."""
        self._recent = list(state["recent"])
        self._first = math.inf if state["first"] is None else state["first"]
        self._lowest = math.inf if state["lowest"] is None else state["lowest"]
