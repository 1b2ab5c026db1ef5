"""Optimizer steps: rows in, better adapter out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tunery.errors import DivergedError
from tunery.models.token_row import TokenRow
from tunery.prefix import lora
from tunery.prefix.dropout import draw, drops
from tunery.prefix.forest import Forest, build_forest
from tunery.prefix.logprobs import target_logprobs
from tunery.prefix.plan import cut
from tunery.prefix.sharing import shares
from tunery.prefix.states import Trunk
from tunery.train.events import StepDone
from tunery.train.methods import sft
from tunery.train.optimizer import PackedAdamW
from tunery.train.order import RowOrder
from tunery.train.schedules import Schedule, learning_rate

METHODS: Mapping[str, Callable[[Tensor, Forest], Tensor]] = {"sft": sft.loss}


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """What a step depends on besides rows and weights; units as in `config.train`.

    Attributes:
        steps: Of the whole training.
        order: Which rows form which step.
        budget: Unique tokens computed at once.
    """

    method: str
    steps: int
    order: RowOrder
    peak_learning_rate: float
    schedule: Schedule
    warmup_ratio: float
    max_grad_norm: float
    budget: int


def run_steps(
    network: Any,
    optimizer: PackedAdamW,
    rows: Sequence[TokenRow],
    settings: LoopSettings,
    first_step: int = 0,
    trunk: Trunk | None = None,
) -> Iterator[StepDone]:
    """Trains step by step; after each one the adapter's weights are merged.

    Args:
        network: With LoRA layers attached, packed into `optimizer`.
        optimizer: Holds their parameters.
        rows: The training rows, each with a trained token.
        settings: See `LoopSettings`.
        first_step: Steps done before, by the run that is resumed.
        trunk: What the blocks below the first adapter make of the rows, if it is kept.

    Raises:
        DivergedError: The loss of a step is not a number.
    """
    lora.merge_all(network)
    for step in range(first_step, settings.steps):
        begin = time.perf_counter()
        picked = settings.order.of_step(step)
        batch = [rows[index] for index in picked]
        row_losses = [0.0] * len(batch)
        loss, unique = accumulate(
            network,
            batch,
            settings.method,
            settings.budget,
            trunk,
            on_row=row_losses.__setitem__,
            key=(settings.order.seed, step),
        )
        rate = learning_rate(
            step,
            settings.steps,
            settings.peak_learning_rate,
            settings.schedule,
            settings.warmup_ratio,
        )
        norm = optimizer.step(rate, settings.max_grad_norm)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise DivergedError(
                f"Step {step + 1} has loss {loss} and gradient norm {norm}; its rows are "
                f"{listed(rows, picked, row_losses)}.",
                "Lower train.learning_rate; look at those rows.",
            )
        lora.merge_all(network)
        yield StepDone(
            step=step + 1,
            steps=settings.steps,
            epoch=(step + 1) / settings.order.steps_per_epoch,
            loss=loss,
            learning_rate=rate,
            grad_norm=norm,
            rows=len(batch),
            tokens=sum(len(row.ids) for row in batch),
            unique_tokens=unique,
            seconds=time.perf_counter() - begin,
            row_numbers=tuple(picked),
            row_losses=tuple(row_losses),
        )


def accumulate(
    network: Any,
    batch: Sequence[TokenRow],
    method: str,
    budget: int,
    trunk: Trunk | None = None,
    on_row: Callable[[int, float], None] | None = None,
    key: tuple[int, ...] = (0,),
) -> tuple[float, int]:
    """Adds the gradient of one optimizer step to the parameters' gradients.

    The loss is divided by the weight of the whole step, so every cut into micro-batches gives the
    same sum.

    Args:
        network: Whose parameters' gradients are added to.
        batch: The rows of the step.
        method: A key of `METHODS`.
        budget: Unique tokens computed at once.
        trunk: See `run_steps`.
        on_row: Told the index of each row in `batch` and its loss, in nats a trained token.
        key: Names the step where inputs of adapters are dropped at random.

    Returns:
        The loss, in nats a trained token, and the unique tokens computed.
    """
    weight = total_weight(batch)
    loss, unique = 0.0, 0
    dropping = drops(network)
    sharing = shares(network) and not dropping
    for number, group in enumerate(cut(batch, budget, sharing=sharing)):
        forest = build_forest([batch[index] for index in group], sharing=sharing)
        if dropping:
            draw(network, *key, number)
        logprobs = target_logprobs(network, forest, trunk)
        part = METHODS[method](logprobs, forest) / weight
        part.backward()  # type: ignore[no-untyped-call]
        if on_row is not None:
            for index, row_loss in zip(group, losses_of_rows(logprobs, forest), strict=True):
                on_row(index, row_loss)
        loss += float(part.detach())
        unique += forest.unique_tokens
    return loss, unique


@torch.no_grad()
def losses_of_rows(logprobs: Tensor, forest: Forest) -> list[float]:
    """Mean negative log-likelihood of each row's trained tokens, in nats, in the rows' order.

    Args:
        logprobs: [M], log-probability of each target.
        forest: The rows that they came from.
    """
    zeros = logprobs.new_zeros(len(forest.rows))
    sums = zeros.index_add(0, forest.target_row, -forest.target_weight * logprobs)
    return (sums / zeros.index_add(0, forest.target_row, forest.target_weight)).tolist()


@torch.no_grad()
def mean_loss(
    network: Any,
    rows: Sequence[TokenRow],
    method: str,
    budget: int,
    trunk: Trunk | None = None,
) -> float:
    """Loss over rows, without learning from them, in nats a trained token."""
    loss = 0.0
    sharing = shares(network)
    for group in cut(rows, budget, sharing=sharing):
        forest = build_forest([rows[index] for index in group], sharing=sharing)
        loss += float(METHODS[method](target_logprobs(network, forest, trunk), forest))
    return loss / total_weight(rows)


def listed(rows: Sequence[TokenRow], picked: Sequence[int], losses: Sequence[float]) -> str:
    """Rows of a step in words, the highest loss first: `train.jsonl:12 (loss 9.1), …`.

    Args:
        rows: The training rows.
        picked: Which of them.
        losses: Of those; one that is not a number comes before all others.
    """
    worst = sorted(
        zip(picked, losses, strict=True), key=lambda pair: (math.isfinite(pair[1]), -pair[1])
    )
    return ", ".join(
        f"{rows[index].place or f'row {index + 1}'} (loss {loss:.2f})" for index, loss in worst
    )


def total_weight(rows: Sequence[TokenRow]) -> float:
    """Sum of all loss weights."""
    return sum(sum(row.weights) for row in rows)
