"""Chooses how adapted blocks are computed, see `prefix.fuse` and `prefix.joined`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tunery.models.token_row import TokenRow
from tunery.prefix import lora
from tunery.prefix.forest import unique_tokens
from tunery.prefix.fuse import fuse_blocks, unfuse_blocks
from tunery.train.device import memory_limit
from tunery.train.order import RowOrder
from tunery.train.plan import Choice

MERGED_FROM = 1000
"""Unique tokens a step from which merging the adapters is faster than computing beside the
weights; measured, see docs/design/002-engine.md."""

MERGED_SHARE = 0.25
"""Share of the machine's memory that W' may take. Of all of it, not of what is free: a resumed run
must choose as the first one did, or its weights differ in their last digits."""

LOOKED_AT = 8
"""Steps whose unique tokens are counted."""


@contextmanager
def using_halves(
    network: Any, rows: Sequence[TokenRow], order: RowOrder
) -> Iterator[tuple[Choice, ...]]:
    """Lets the blocks that can be computed as halves be so for a while; says how.

    Args:
        network: With LoRA layers attached, or without; changed in place.
        rows: The training rows.
        order: Which of them form a step.
    """
    try:
        yield _choose(network, rows, order)
    finally:
        unfuse_blocks(network)


def _choose(network: Any, rows: Sequence[TokenRow], order: RowOrder) -> tuple[Choice, ...]:
    size = 4 * sum(layer.weight.numel() for layer in lora.layers(network).values())
    if not size:
        return ()
    steps = min(LOOKED_AT, order.steps_per_epoch)
    batches = [[rows[index] for index in order.of_step(step)] for step in range(steps)]
    tokens = sum(unique_tokens(batch) for batch in batches) // steps
    fits = size <= MERGED_SHARE * memory_limit()
    merged = fits and tokens >= MERGED_FROM
    count = fuse_blocks(network, merged=merged)
    if not count:
        return ()
    reason = f"a step has about {tokens} unique tokens; merging pays from {MERGED_FROM} on"
    if tokens >= MERGED_FROM and not fits:
        reason += f", but takes {size / 2**30:.1f} GiB, over a quarter of the machine's memory"
    value = "merged each step" if merged else "beside the weights"
    return (Choice("adapters", f"{value}, in {count} blocks", reason),)
