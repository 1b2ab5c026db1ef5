"""Chooses how adapted blocks are computed, see `prefix.fuse` and `prefix.joined`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunery.models.token_row import TokenRow
from tunery.prefix import lora
from tunery.prefix.forest import unique_tokens
from tunery.prefix.fuse import fuse_blocks
from tunery.train.order import RowOrder
from tunery.train.plan import Choice

MERGED_FROM = 1000
"""Unique tokens a step from which merging the adapters is faster than computing beside the
weights; measured, see docs/design/002-engine.md."""

LOOKED_AT = 8
"""Steps whose unique tokens are counted."""


def choose_halves(network: Any, rows: Sequence[TokenRow], order: RowOrder) -> tuple[Choice, ...]:
    """Lets the blocks that can be computed as halves be so; says how.

    Args:
        network: With LoRA layers attached, or without; changed in place.
        rows: The training rows.
        order: Which of them form a step.
    """
    if not lora.layers(network):
        return ()
    steps = min(LOOKED_AT, order.steps_per_epoch)
    batches = [[rows[index] for index in order.of_step(step)] for step in range(steps)]
    tokens = sum(unique_tokens(batch) for batch in batches) // steps
    merged = tokens >= MERGED_FROM
    if not fuse_blocks(network, merged=merged):
        return ()
    reason = f"a step has about {tokens} unique tokens; merging pays from {MERGED_FROM} on"
    return (Choice("adapters", "merged each step" if merged else "beside the weights", reason),)
