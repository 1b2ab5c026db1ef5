"""Which step was the best by its validation loss, and whether waiting for a better one pays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunery.errors import DivergedError


@dataclass(frozen=True, slots=True)
class Best:
    """The step with the lowest validation loss.

    Attributes:
        step: From 1.
        loss: Validation loss after it, in nats a trained token.
    """

    step: int
    loss: float


class ValidationWatch:
    """Remembers the best validation and counts those since then.

    Args:
        patience: Validations without a better one after which training stops; None never stops.
        min_delta: A loss is better when it is lower by more than this, in nats.
    """

    def __init__(self, patience: int | None, min_delta: float) -> None:
        self.patience = patience
        self.min_delta = min_delta
        self.best: Best | None = None
        self.since = 0

    def take(self, step: int, loss: float) -> bool:
        """Takes in a validation; True if it is the best so far.

        Args:
            step: After which it was made.
            loss: In nats a trained token.

        Raises:
            DivergedError: The loss is not a number, so no later one could be compared with it.
        """
        if not math.isfinite(loss):
            raise DivergedError(
                f"The validation loss after step {step} is {loss}; expected a finite number.",
                "Lower train.learning_rate; look at the validation rows.",
            )
        better = self.best is None or loss < self.best.loss - self.min_delta
        if better:
            self.best = Best(step, loss)
        self.since = 0 if better else self.since + 1
        return better

    @property
    def stopped(self) -> bool:
        """Patience is at its end."""
        return self.patience is not None and self.since >= self.patience

    def state(self) -> dict[str, Any]:
        """What a resumed training must know, as JSON values."""
        best = None if self.best is None else [self.best.step, self.best.loss]
        return {"best": best, "since": self.since}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `state` gave."""
        self.best = None if state["best"] is None else Best(*state["best"])
        self.since = int(state["since"])
