"""Dropout of what an adapter reads, while its frozen layer reads all of it.

    y = x W^T + s (D(x) A^T) B^T        D(x) = x m / (1 - p),  m is 1 with probability 1 - p, else 0

(Srivastava et al. 2014, section 4; PEFT's `lora_dropout`.) A token that rows share would need
another m in each of them, so with dropout every row is a tree of its own. The m of a layer is drawn
from a key (seed, step, micro-batch, layer) each time it is asked for: a block computed again in the
backward pass gets the same one, and a resumed run needs no state of a generator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class AdapterDropout:
    """Draws the inputs of one layer's adapter.

    Args:
        share: p, of the inputs that are set to zero.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self.key: tuple[int, ...] = (0,)

    def __call__(self, x: Tensor) -> Tensor:
        """D(x), of the shape of x."""
        seed = int(np.random.SeedSequence(self.key).generate_state(1, np.uint64)[0] >> np.uint64(1))
        generator = torch.Generator().manual_seed(seed)
        kept = torch.empty_like(x).bernoulli_(1 - self.share, generator=generator)
        return x * kept.div_(1 - self.share)


def drops(model: nn.Module) -> bool:
    """Whether adapters of a model drop inputs when it is trained."""
    return any(
        getattr(part, "dropout", None).__class__ is AdapterDropout for part in model.modules()
    )


def draw(model: Any, *key: int) -> None:
    """Lets every layer with dropout draw anew.

    Args:
        model: Whose layers draw.
        key: Seed, step, micro-batch; non-negative. The number of the layer is added.
    """
    found = (getattr(part, "dropout", None) for part in model.modules())
    for number, dropout in enumerate(d for d in found if isinstance(d, AdapterDropout)):
        dropout.key = (*key, number)
