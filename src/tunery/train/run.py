"""The story of one training: from rows to an adapter."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunery.config.method import MethodSection
from tunery.config.section import number
from tunery.config.train import TrainSection
from tunery.errors import DataError, UserError
from tunery.models.adapters import Adapter
from tunery.models.load import LoadedModel
from tunery.models.token_row import TokenRow
from tunery.prefix import lora
from tunery.prefix.recompute import recompute_blocks
from tunery.prefix.states import Trunk
from tunery.train import checkpoint
from tunery.train.device import choose_compute, keep_freed_memory, memory_now
from tunery.train.divergence import DivergenceGuard
from tunery.train.events import Noted, OnEvent, Resumed
from tunery.train.halves import using_halves
from tunery.train.hyperparameters import resolve
from tunery.train.identity import describe_rounding, identify, identify_base
from tunery.train.loop import LoopSettings, run_steps
from tunery.train.milestones import Milestones
from tunery.train.optimizer import PackedAdamW
from tunery.train.order import RowOrder
from tunery.train.plan import TrainPlan, make_plan
from tunery.train.session import Session
from tunery.train.trainable import make_trainable
from tunery.train.validation_watch import Best, ValidationWatch

ROUNDED_OTHERWISE = "sums are rounded otherwise, so the weights differ in their last digits."


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a training made.

    Attributes:
        adapter: The trained adapter; its factors are the network's own parameters. None if the
            network's weights themselves were trained.
        plan: What was planned.
        seconds: Time of this process's steps, validation and checkpoints included.
        peak_bytes: Peak memory of the process so far.
        last_step: Steps done.
        taken_step: The step whose weights the adapter has.
        best: The step with the lowest validation loss; None without validation rows.
    """

    adapter: Adapter | None
    plan: TrainPlan
    seconds: float
    peak_bytes: int
    last_step: int
    taken_step: int
    best: Best | None

    @property
    def memory_error(self) -> float:
        """How far the planned peak is from the measured one: 0.1 is planned a tenth too high."""
        return self.plan.peak_bytes / self.peak_bytes - 1


def train(
    model: LoadedModel,
    rows: Sequence[TokenRow],
    validation: Sequence[TokenRow],
    *,
    method: MethodSection,
    settings: TrainSection,
    session: Session,
    on_event: OnEvent,
) -> TrainResult:
    """Trains a LoRA adapter on a loaded model, or its weights themselves.

    Args:
        model: Its network gets LoRA layers, or is changed itself.
        rows: Training rows, each with a trained token.
        validation: Rows for the validation loss; may be empty.
        method: What is trained, for LoRA with its targets named; `auto` is replaced here.
        settings: How; `auto` is replaced here.
        session: Where checkpoints are, whether to go on from them, and who may pause.
        on_event: Told everything that happens, the plan before the first step.

    Raises:
        DataError: There are no rows, or one has no trained token.
        PausedError: A pause was asked for; the training can be gone on with.
        UserError: The plan cannot work on this machine, or the targets do not fit the model.
        MismatchError: The checkpoint belongs to another training.
        DivergedError: A loss is no longer a number, or rises beyond bounds.
    """
    _check_supervised(rows)
    _check_early_stopping(validation, settings)
    keep_freed_memory()
    base = identify_base(model.network)
    method, settings, choices = resolve(model.network, rows, method, settings)
    trainable = make_trainable(model, method, settings.seed)
    order = RowOrder(rows, number(settings.batch_size), settings.batching, settings.seed)
    with using_halves(model.network, rows, order) as halves:
        plan = make_plan(
            model.network,
            rows,
            validation,
            settings,
            order=order,
            memory=memory_now,
            compute=choose_compute(),
            chosen=[*choices, *trainable.choices, *halves],
        )
        on_event(plan)
        if plan.recompute:
            recompute_blocks(model.network)

        optimizer = PackedAdamW(trainable.parameters, settings.weight_decay)
        identity = identify(base, trainable.identity, rows, validation, settings)
        milestones = Milestones(
            network=model.network,
            optimizer=optimizer,
            rows=rows,
            validation=validation,
            method=method.name,
            settings=settings,
            steps_per_epoch=order.steps_per_epoch,
            budget=plan.budget,
            identity=identity,
            session=session,
            on_event=on_event,
            guard=DivergenceGuard(settings.divergence_factor, number(settings.batch_size)),
            watch=_watch(settings),
        )
        last = first = _go_on(milestones)
        if session.resume:
            where = str(checkpoint.place(session.folder, first)) if first else None
            on_event(Resumed(first, plan.steps, where))

        begin = time.perf_counter()
        loop = _loop_settings(plan, order, method, settings, milestones.budget)
        if plan.trunk_bytes:
            milestones.trunk = Trunk(model.network, [rows, validation], loop.budget)
        steps = run_steps(model.network, optimizer, rows, loop, first, milestones.trunk)
        while not milestones.watch.stopped and (done := next(steps, None)):
            on_event(done)
            milestones.after(done)
            last = done.step
        _note_late_pause(session, last, on_event)
        taken = _take_best(milestones, last)
        optimizer.release()
        seconds = time.perf_counter() - begin
        return TrainResult(
            trainable.adapter, plan, seconds, peak_memory(), last, taken, milestones.watch.best
        )


def peak_memory() -> int:
    """Peak resident memory of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def _check_supervised(rows: Sequence[TokenRow]) -> None:
    idle = [row.place or f"row {n}" for n, row in enumerate(rows, start=1) if not row.supervised]
    if not rows or idle:
        which = f"{len(idle)} of {len(rows)} rows have" if rows else "There is no row with"
        listed = f": {', '.join(idle[:5])}{', …' if len(idle) > 5 else ''}" if idle else ""
        raise DataError(
            f"{which} {'no' if rows else 'a'} token to train{listed}.",
            "Give each row an assistant turn with weight 1 that is not empty, or leave it out.",
        )


def _check_early_stopping(validation: Sequence[TokenRow], settings: TrainSection) -> None:
    if settings.early_stopping is not None and not validation:
        raise UserError(
            "train.early_stopping is set, but there are no validation rows.",
            "Set data.validation to a file or to a share such as 0.1, or leave early stopping out.",
        )


def _watch(settings: TrainSection) -> ValidationWatch:
    stopping = settings.early_stopping
    if stopping is None:
        return ValidationWatch(None, 0.0)
    return ValidationWatch(stopping.patience, stopping.min_delta)


def _go_on(milestones: Milestones) -> int:
    """Takes over the newest checkpoint, if it shall; returns the steps done before."""
    session, on_event = milestones.session, milestones.on_event
    if not session.resume:
        checkpoint.clear(session.folder)
    found = checkpoint.load_newest(
        session.folder, milestones.identity, lambda text: on_event(Noted(text))
    )
    if found is None:
        return 0
    milestones.optimizer.load_state(found.tensors)
    milestones.load_progress(found.progress)
    _note_rounding(found.rounding, on_event)
    if milestones.settings.micro_batch_tokens is None:
        milestones.budget = found.budget
    elif found.budget != milestones.budget:
        on_event(
            Noted(
                f"train.micro_batch_tokens was {found.budget} before and is {milestones.budget} "
                f"now: {ROUNDED_OTHERWISE}"
            )
        )
    return found.step


def _note_late_pause(session: Session, last: int, on_event: OnEvent) -> None:
    if session.pause_asked():
        on_event(Noted(f"Step {last} was the last one: there was nothing left to pause."))


def _note_rounding(before: Mapping[str, Any], on_event: OnEvent) -> None:
    differing = [
        f"{key}: the checkpoint has {before.get(key)}, this run {value}"
        for key, value in describe_rounding().items()
        if before.get(key) != value
    ]
    if differing:
        on_event(Noted(f"{'; '.join(differing)}. So {ROUNDED_OTHERWISE}"))


def _take_best(milestones: Milestones, last: int) -> int:
    """With early stopping, goes back to the best step's weights; returns the step taken."""
    best, taken = milestones.watch.best, last
    if milestones.settings.early_stopping is not None and best is not None and best.step != last:
        found = checkpoint.load_step(
            milestones.session.folder, best.step, lambda text: milestones.on_event(Noted(text))
        )
        if found is None:
            milestones.on_event(Noted(f"The weights of step {last} are taken instead."))
        else:
            milestones.optimizer.load_state(found.tensors)
            taken = best.step
    lora.merge_all(milestones.network)
    return taken


def _loop_settings(
    plan: TrainPlan, order: RowOrder, method: MethodSection, settings: TrainSection, budget: int
) -> LoopSettings:
    return LoopSettings(
        method=method.name,
        steps=plan.steps,
        order=order,
        peak_learning_rate=number(settings.learning_rate),
        schedule=settings.schedule,
        warmup_ratio=settings.warmup_ratio,
        max_grad_norm=settings.max_grad_norm,
        budget=budget,
    )
