"""Blocks whose insides are computed again in the backward pass, for rows that fill the memory.

Gradient checkpointing (Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost): of each
block only the input is kept. The backward pass runs the block a second time, with the same numbers,
so no bit of a gradient changes; a step costs half as much again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer


def blocks(model: Any) -> list[nn.Module]:
    """The model's blocks, which are what transformers would checkpoint."""
    return [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]


def recompute_blocks(model: Any) -> None:
    """Lets each block of a model keep its input alone; changes the model in place."""
    for block in blocks(model):
        block.forward = partial(_run, block.forward)


def _run(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(  # nothing in a block is random: no state of a generator to bring back
        forward, *args, use_reentrant=False, preserve_rng_state=False, **kwargs
    )
