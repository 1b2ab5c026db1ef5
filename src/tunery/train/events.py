"""What a training tells whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tunery.train.plan import TrainPlan


@dataclass(frozen=True, slots=True)
class StepDone:
    """One optimizer step.

    Attributes:
        step: From 1.
        steps: Steps of the whole training.
        epoch: Passes over the rows so far, with its fraction.
        loss: Mean negative log-likelihood of the step's trained tokens, in nats.
        learning_rate: Used in this step.
        grad_norm: Euclidean norm of the gradient before clipping.
        rows: Rows in this step.
        tokens: Their tokens.
        unique_tokens: Tokens that were computed.
        seconds: Time that the step took.
        row_numbers: Which rows, by their index among the training rows.
        row_losses: Of each of them, in nats a trained token, before the update.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float
    rows: int
    tokens: int
    unique_tokens: int
    seconds: float
    row_numbers: tuple[int, ...] = ()
    row_losses: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Validated:
    """Mean negative log-likelihood of the validation rows' trained tokens after a step."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """A checkpoint was written after a step."""

    step: int
    folder: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """The training goes on after a step, from a checkpoint.

    Attributes:
        step: The last one done; 0 if there is no checkpoint.
        steps: Steps of the whole training.
        folder: The checkpoint's; None if there is none.
    """

    step: int
    steps: int
    folder: str | None


@dataclass(frozen=True, slots=True)
class StoppedEarly:
    """The validation loss stopped falling, so the training ends before its last step.

    Attributes:
        step: The last one done.
        steps: Steps that were planned.
        best_step: With the lowest validation loss.
        best_loss: That loss, in nats a trained token.
    """

    step: int
    steps: int
    best_step: int
    best_loss: float


@dataclass(frozen=True, slots=True)
class Paused:
    """The training was paused after a step."""

    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that a person should know."""

    message: str


Event = TrainPlan | StepDone | Validated | Checkpointed | Resumed | StoppedEarly | Paused | Noted
OnEvent = Callable[[Event], None]
