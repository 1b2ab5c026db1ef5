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
from tunery.train.halves import using_halves
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
"""The suggested rate is that of the lowest smoothed loss, divided by this."""

HIGHEST_KEY = 1.0
"""The configuration takes no `train.learning_rate` above this."""


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
        suggested: A `train.learning_rate`, which a run multiplies by `multiplier`; None if the
            range holds none.
        multiplier: `train.learning_rate_multiplier`.
        reason: How it was found, or why it was not, and what to do.
    """

    points: tuple[RatePoint, ...]
    suggested: float | None
    multiplier: float
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
        settings: How; the learning rate and its schedule do not matter, its multiplier does.
        rates: Learning rates, the lowest first.
        on_point: Told each step.

    Raises:
        UserError: The rows do not fit in memory, or the targets do not fit the model.
    """
    network, multiplier = model.network, settings.learning_rate_multiplier
    method, settings, _ = resolve(network, rows, method, settings)
    trainable = make_trainable(model, method, settings.seed)
    order = RowOrder(rows, number(settings.batch_size), settings.batching, settings.seed)
    points: list[RatePoint] = []
    total = 0.0
    with using_halves(network, rows, order):
        plan = make_plan(
            network, rows, [], settings, order=order, memory=memory_now, compute=choose_compute()
        )
        if plan.recompute:
            recompute_blocks(network)
        optimizer = PackedAdamW(trainable.parameters, settings.weight_decay)
        lora.merge_all(network)
        for step, rate in enumerate(rates):
            batch = [rows[index] for index in order.of_step(step)]
            loss, _ = accumulate(
                network, batch, method.name, plan.budget, key=(settings.seed, step)
            )
            norm = optimizer.step(rate, settings.max_grad_norm)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                break
            lora.merge_all(network)
            total = SMOOTHING * total + (1 - SMOOTHING) * loss
            points.append(RatePoint(rate, loss, total / (1 - SMOOTHING ** (step + 1))))
            on_point(points[-1])
            if points[-1].smoothed > TOO_HIGH * min(point.smoothed for point in points):
                break
    suggested, reason = suggest(points, rates, multiplier)
    return RateRange(tuple(points), suggested, multiplier, reason)


def growing_rates(lowest: float, highest: float, steps: int) -> list[float]:
    """Rates from `lowest` to `highest`, each the same factor above the one before."""
    return [lowest * (highest / lowest) ** (step / (steps - 1)) for step in range(steps)]


def suggest(
    points: Sequence[RatePoint], rates: Sequence[float], multiplier: float
) -> tuple[float | None, str]:
    """The `train.learning_rate` with which a run trains at a tenth of the best rate.

    The best one is that at which the smoothed loss was lowest.

    Args:
        points: Steps that were done.
        rates: All that were to be tried.
        multiplier: A run's factor on its `train.learning_rate`.

    Returns:
        The rate and how it was found; or None, why not and what to do.
    """
    if not points:
        return None, "The first step had no finite loss; look at the rows, or start lower."
    best = min(points, key=lambda point: point.smoothed)
    if best is points[0]:
        return None, "The loss was lowest at the first rate: nothing was learned. Start lower."
    if best.rate == rates[-1]:
        return None, "The loss was still falling at the highest rate. Let the rates go higher."
    suggested = float(f"{best.rate / BELOW_LOWEST / multiplier:.2g}")
    divided = f", divided by train.learning_rate_multiplier, {multiplier:g}"
    found = f"a tenth of {best.rate:.2g}{divided if multiplier != 1 else ''}"
    if suggested > HIGHEST_KEY:
        return None, (
            f"It would be {suggested:g}, {found}; train.learning_rate may be {HIGHEST_KEY:g} at "
            "most. Set a higher train.learning_rate_multiplier, or let the rates end lower."
        )
    return suggested, f"{found}, where the smoothed loss was lowest ({best.smoothed:.3f})"
