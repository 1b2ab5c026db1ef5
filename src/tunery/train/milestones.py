"""What happens between two steps: validation, checkpoints, and the ends of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunery.config.train import TrainSection
from tunery.errors import PausedError
from tunery.models.token_row import TokenRow
from tunery.prefix.states import Trunk
from tunery.train import checkpoint
from tunery.train.checkpoint import Checkpoint
from tunery.train.divergence import DivergenceGuard
from tunery.train.events import Checkpointed, OnEvent, Paused, StepDone, StoppedEarly, Validated
from tunery.train.identity import describe_rounding
from tunery.train.loop import mean_loss
from tunery.train.optimizer import PackedAdamW
from tunery.train.session import Session
from tunery.train.validation_watch import ValidationWatch


@dataclass(slots=True)
class Milestones:
    """Validates, saves, pauses and stops, each when it is due.

    Attributes:
        network: The model that is trained.
        optimizer: Its optimizer.
        rows: The training rows.
        validation: Rows of the validation loss; may be empty.
        method: A key of `loop.METHODS`.
        settings: How it is trained.
        steps_per_epoch: Validations and checkpoints are due after so many where nothing else is
            said.
        budget: Unique tokens computed at once.
        identity: What a checkpoint is gone on from only by the same.
        session: Where checkpoints go, and who may pause.
        on_event: Told what happens.
        guard: Stops a training that diverges.
        watch: Knows the best validation.
        trunk: See `prefix.states`.
    """

    network: Any
    optimizer: PackedAdamW
    rows: Sequence[TokenRow]
    validation: Sequence[TokenRow]
    method: str
    settings: TrainSection
    steps_per_epoch: int
    budget: int
    identity: Mapping[str, Any]
    session: Session
    on_event: OnEvent
    guard: DivergenceGuard
    watch: ValidationWatch
    trunk: Trunk | None = None

    def after(self, done: StepDone) -> None:
        """Does all that is due after a step.

        Raises:
            DivergedError: The loss rises beyond bounds, or that of validation is not a number.
            PausedError: A pause was asked for; the checkpoint is written.
        """
        self.guard.check(done, self.rows)
        save = self._due(done, self.settings.checkpoint_every)
        if self.validation and self._due(done, self.settings.validate_every):
            save |= self._validate(done)
        ends = self.watch.stopped or done.step == done.steps
        pause = not ends and self.session.pause_asked()
        if save or pause:
            self._save(done.step)
        if pause:
            self.on_event(Paused(done.step, done.steps))
            raise PausedError(
                f"The training is paused after step {done.step} of {done.steps}, with a checkpoint "
                "of that step.",
                "Go on with --resume.",
            )

    def progress(self) -> dict[str, Any]:
        """What the parts know that a resumed training must know, as JSON values."""
        return {"divergence": self.guard.state(), "validation": self.watch.state()}

    def load_progress(self, progress: Mapping[str, Any]) -> None:
        """Takes over what `progress` gave."""
        self.guard.load_state(progress["divergence"])
        self.watch.load_state(progress["validation"])

    def _due(self, done: StepDone, every: int | None) -> bool:
        return done.step % (every or self.steps_per_epoch) == 0 or done.step == done.steps

    def _validate(self, done: StepDone) -> bool:
        """Validates; True if the weights of this step must be kept."""
        loss = mean_loss(self.network, self.validation, self.method, self.budget, self.trunk)
        better = self.watch.take(done.step, loss)
        self.on_event(Validated(done.step, loss))
        if self.watch.stopped and self.watch.best is not None:
            best = self.watch.best
            self.on_event(StoppedEarly(done.step, done.steps, best.step, best.loss))
        return better or self.watch.stopped

    def _save(self, step: int) -> None:
        best = self.watch.best
        state = Checkpoint(
            step,
            self.budget,
            self.optimizer.state(),
            self.identity,
            self.progress(),
            describe_rounding(),
        )
        path = checkpoint.save(
            state,
            self.session.folder,
            self.settings.keep_checkpoints,
            spare=None if best is None else best.step,
        )
        self.on_event(Checkpointed(step, str(path)))
