"""Time and memory of a LoRA training, reckoned before any weight is read.

The sum is that of `train.plan`, with `models.footprint` in place of the measured network: linear
layers take 4 operations a weight and unique token (2 forward, 2 for the gradient of the input),
blocks that are computed again 2 more, the output layer 4 a weight and trained token. Every linear
layer of every block is adapted, in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunery.models.architecture import Architecture
from tunery.models.footprint import lora_terms
from tunery.models.token_row import TokenRow
from tunery.prefix.forest import unique_tokens
from tunery.prefix.plan import cut
from tunery.train.device import Memory
from tunery.train.order import RowOrder
from tunery.train.plan import MEMORY_SHARE, MOST_TOKENS, PRODUCT_SHARE


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a training will take here.

    Attributes:
        steps: Optimizer steps of the whole training.
        unique_tokens: Tokens computed in one epoch, after sharing inside each step.
        seconds: Time of all steps.
        gflops: The rate of a product that the time follows from, in 1e9 operations a second.
        peak_bytes: Memory of the process.
        available_bytes: Memory that it can have now.
        recompute: Blocks are computed again, since the longest row would not fit otherwise.
    """

    steps: int
    unique_tokens: int
    seconds: float
    gflops: float
    peak_bytes: int
    available_bytes: int
    recompute: bool

    @property
    def fits(self) -> bool:
        """Whether the memory suffices."""
        return self.peak_bytes <= self.available_bytes


def forecast(
    shape: Architecture,
    rows: Sequence[TokenRow],
    order: RowOrder,
    epochs: int,
    *,
    rank: int,
    memory: Memory,
    gflops: float,
) -> Forecast:
    """Reckons a training.

    Args:
        shape: The model's numbers.
        rows: The training rows, at least one.
        order: Which of them form a step.
        epochs: Passes over them.
        rank: Of the LoRA matrices.
        memory: What is free, and what the process holds now.
        gflops: Rate of a large float32 product here, in 1e9 operations a second.
    """
    available = memory.free + memory.used
    fixed = sum(lora_terms(shape, 0, rank).values())
    token_bytes = sum(lora_terms(shape, 1, rank).values()) - fixed
    longest = max(len(row.ids) for row in rows)
    recompute = fixed + longest * token_bytes > available
    if recompute:
        token_bytes = 4 * shape.hidden_size * shape.layers + token_bytes // shape.layers
    room = int(MEMORY_SHARE * max(0, available - fixed) / token_bytes)
    budget = max(longest, min(room, MOST_TOKENS))
    steps = ([rows[i] for i in order.of_step(step)] for step in range(order.steps_per_epoch))
    sizes = [
        unique_tokens([batch[index] for index in group])
        for batch in steps
        for group in cut(batch, budget)
    ]
    supervised = sum(row.supervised for row in rows)
    linear = (6 if recompute else 4) * shape.block_linear_weights * sum(sizes)
    head = 4 * supervised * shape.hidden_size * shape.vocabulary
    return Forecast(
        steps=order.steps_per_epoch * epochs,
        unique_tokens=sum(sizes),
        seconds=epochs * (linear + head) / (PRODUCT_SHARE * gflops * 1e9),
        gflops=gflops,
        peak_bytes=fixed + token_bytes * max(sizes),
        available_bytes=available,
        recompute=recompute,
    )
