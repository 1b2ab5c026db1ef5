"""The learning-rate range test of Smith (2017), "Cyclical Learning Rates", section 3.3.

The rate grows by the same factor in each step; where the loss is lowest, it is about to be too
high.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunery.config.method import MethodSection
from tunery.config.section import number
from tunery.config.train import TrainSection
from tunery.models.load import LoadedModel
from tunery.models.token_row import TokenRow
from tunery.prefix import lora
from tunery.prefix.recompute import recompute_blocks
from tunery.train.device import choose_compute, memory_now
from tunery.train.halves import choose_halves
from tunery.train.hyperparameters import resolve
from tunery.train.loop import accumulate
from tunery.train.optimizer import PackedAdamW
from tunery.train.order import RowOrder
from tunery.train.plan import make_plan
from tunery.train.trainable import make_trainable

SMOOTHING = 0.8
"""Weight of what was before in the smoothed loss."""

TOO_HIGH = 4.0
"""The test ends where the smoothed loss is so many times its lowest."""

BELOW_LOWEST = 10.0
"""The suggestion is the rate of the lowest smoothed loss, divided by this."""


@dataclass(frozen=True, slots=True)
class RatePoint:
    """One step of the test.

    Attributes:
        rate: Learning rate of the step.
        loss: Of its rows before the update, in nats a trained token.
        smoothed: Mean of the losses so far that forgets the older ones.
    """

    rate: float
    loss: float
    smoothed: float


@dataclass(frozen=True, slots=True)
class RateRange:
    """What a test found.

    Attributes:
        points: Its steps, in order.
        suggested: A peak learning rate; None if the range holds none.
        reason: How it was found, or why it was not, and what to do.
    """

    points: tuple[RatePoint, ...]
    suggested: float | None
    reason: str


def range_test(
    model: LoadedModel,
    rows: Sequence[TokenRow],
    *,
    method: MethodSection,
    settings: TrainSection,
    rates: Sequence[float],
    on_point: Callable[[RatePoint], None],
) -> RateRange:
    """Trains one step at each rate, on the rows in the order of a training, and keeps nothing.

    Args:
        model: Its network is changed in place; it is of no use afterwards.
        rows: Training rows, each with a trained token.
        method: What is trained, its targets named.
        settings: How; the learning rate and its schedule do not matter.
        rates: Learning rates, the lowest first.
        on_point: Told each step.

    Raises:
        UserError: The rows do not fit in memory, or the targets do not fit the model.
    """
    network = model.network
    method, settings, _ = resolve(network, rows, method, settings)
    trainable = make_trainable(model, method, settings.seed)
    order = RowOrder(rows, number(settings.batch_size), settings.batching, settings.seed)
    choose_halves(network, rows, order)
    plan = make_plan(network, rows, [], settings, memory=memory_now, compute=choose_compute())
    if plan.recompute:
        recompute_blocks(network)
    optimizer = PackedAdamW(trainable.parameters, settings.weight_decay)
    lora.merge_all(network)
    points: list[RatePoint] = []
    total = 0.0
    for step, rate in enumerate(rates):
        batch = [rows[index] for index in order.of_step(step)]
        loss, _ = accumulate(network, batch, method.name, plan.budget, key=(settings.seed, step))
        norm = optimizer.step(rate, settings.max_grad_norm)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            break
        lora.merge_all(network)
        total = SMOOTHING * total + (1 - SMOOTHING) * loss
        points.append(RatePoint(rate, loss, total / (1 - SMOOTHING ** (step + 1))))
        on_point(points[-1])
        if points[-1].smoothed > TOO_HIGH * min(point.smoothed for point in points):
            break
    suggested, reason = suggest(points, rates)
    return RateRange(tuple(points), suggested, reason)


def growing_rates(lowest: float, highest: float, steps: int) -> list[float]:
    """Rates from `lowest` to `highest`, each the same factor above the one before."""
    return [lowest * (highest / lowest) ** (step / (steps - 1)) for step in range(steps)]


def suggest(points: Sequence[RatePoint], rates: Sequence[float]) -> tuple[float | None, str]:
    """A tenth of the rate at which the smoothed loss was lowest; None where that says nothing."""
    if not points:
        return None, "The first step had no finite loss; look at the rows, or start lower."
    best = min(points, key=lambda point: point.smoothed)
    if best is points[0]:
        return None, "The loss was lowest at the first rate: nothing was learned. Start lower."
    if best.rate == rates[-1]:
        return None, "The loss was still falling at the highest rate. Let the rates go higher."
    suggested = float(f"{best.rate / BELOW_LOWEST:.2g}")
    return suggested, (
        f"a tenth of {best.rate:.2g}, where the smoothed loss was lowest ({best.smoothed:.3f})"
    )
