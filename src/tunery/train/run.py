"""The story of one training: from rows to an adapter."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers

from tunery.config.method import MethodSection
from tunery.config.train import TrainSection
from tunery.errors import DataError
from tunery.models.adapters import Adapter
from tunery.models.load import LoadedModel
from tunery.models.token_row import TokenRow
from tunery.prefix.recompute import recompute_blocks
from tunery.prefix.states import Trunk
from tunery.train import checkpoint
from tunery.train.checkpoint import Checkpoint
from tunery.train.device import choose_compute, keep_freed_memory, memory_now
from tunery.train.divergence import DivergenceGuard
from tunery.train.events import Checkpointed, Noted, OnEvent, Resumed, StepDone, Validated
from tunery.train.loop import LoopSettings, mean_loss, run_steps
from tunery.train.optimizer import PackedAdamW
from tunery.train.order import RowOrder
from tunery.train.plan import TrainPlan, make_plan
from tunery.train.trainable import Trainable, make_trainable


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a training made.

    Attributes:
        adapter: The trained adapter; its factors are the network's own parameters.
        plan: What was planned.
        seconds: Time of this process's steps, validation and checkpoints included.
        peak_bytes: Peak memory of the process so far.
    """

    adapter: Adapter
    plan: TrainPlan
    seconds: float
    peak_bytes: int

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
    folder: Path,
    resume: bool,
    on_event: OnEvent,
) -> TrainResult:
    """Trains a LoRA adapter on a loaded model.

    Args:
        model: Its network gets LoRA layers, and is left with them merged.
        rows: Training rows, each with a trained token.
        validation: Rows for the validation loss; may be empty.
        method: What is trained, its targets named.
        settings: How.
        folder: Checkpoints are written to and resumed from here.
        resume: Go on from the newest checkpoint, if there is one.
        on_event: Told everything that happens, the plan before the first step.

    Raises:
        DataError: There are no rows, or one has no trained token.
        UserError: The plan cannot work on this machine, or the targets do not fit the model.
        MismatchError: The checkpoint belongs to another training.
        DivergedError: The loss is no longer a number, or rises beyond bounds.
    """
    _check_supervised(rows)
    keep_freed_memory()
    trainable = make_trainable(model, method, settings.seed)
    plan = make_plan(
        model.network,
        rows,
        validation,
        settings,
        memory=memory_now(),
        compute=choose_compute(),
        chosen=trainable.choices,
    )
    on_event(plan)
    if plan.recompute:
        recompute_blocks(model.network)

    optimizer = PackedAdamW(trainable.parameters, settings.weight_decay)
    identity = _identity(trainable, rows, settings)
    order = RowOrder(rows, settings.batch_size, settings.batching, settings.seed)
    loop, first = _loop_settings(plan, order, method, settings), 0
    guard = DivergenceGuard(settings.divergence_factor, settings.batch_size)
    if not resume:
        checkpoint.clear(folder)
    found = checkpoint.load_newest(folder, identity, lambda text: on_event(Noted(text)))
    if found is not None:
        optimizer.load_state(found.tensors)
        guard.load_state(found.progress["divergence"])
        first = found.step
        if settings.micro_batch_tokens is None:
            loop = replace(loop, budget=found.budget)
        elif found.budget != loop.budget:
            on_event(
                Noted(
                    f"train.micro_batch_tokens was {found.budget} before and is {loop.budget} now: "
                    "sums are rounded otherwise, so the weights differ in their last digits."
                )
            )
    if resume:
        on_event(Resumed(first, plan.steps))

    begin = time.perf_counter()
    trunk = None
    if plan.trunk_bytes:
        trunk = Trunk(model.network, [rows, validation], loop.budget)
    for done in run_steps(model.network, optimizer, rows, loop, first, trunk):
        on_event(done)
        guard.check(done, rows)
        if validation and _due(done, settings.validate_every or order.steps_per_epoch):
            loss = mean_loss(model.network, validation, method.name, loop.budget, trunk)
            on_event(Validated(done.step, loss))
        if _due(done, settings.checkpoint_every or order.steps_per_epoch):
            progress = {"divergence": guard.state()}
            state = Checkpoint(done.step, loop.budget, optimizer.state(), identity, progress)
            path = checkpoint.save(state, folder, settings.keep_checkpoints)
            on_event(Checkpointed(done.step, str(path)))
    return TrainResult(trainable.adapter, plan, time.perf_counter() - begin, peak_memory())


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


def _loop_settings(
    plan: TrainPlan, order: RowOrder, method: MethodSection, settings: TrainSection
) -> LoopSettings:
    return LoopSettings(
        method=method.name,
        steps=plan.steps,
        order=order,
        peak_learning_rate=settings.learning_rate,
        schedule=settings.schedule,
        warmup_ratio=settings.warmup_ratio,
        max_grad_norm=settings.max_grad_norm,
        budget=plan.budget,
    )


def _identity(
    trainable: Trainable, rows: Sequence[TokenRow], settings: TrainSection
) -> dict[str, Any]:
    """What must be the same for a checkpoint to be gone on from; JSON values."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr((row.ids, row.weights)).encode())
    steering = {
        "micro_batch_tokens",
        "validate_every",
        "checkpoint_every",
        "keep_checkpoints",
        "threads",
        "divergence_factor",
    }
    return {
        **trainable.identity,
        "rows_sha256": digest.hexdigest(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        **settings.model_dump(exclude=steering),
    }


def _due(done: StepDone, every: int) -> bool:
    return done.step % every == 0 or done.step == done.steps
