"""Which models share prefixes, and what holds for those that do not.

A state space, a convolution or linear attention carries a state from token to token. Where a forest
branches, that state would have to branch with it, which the models' own code does not do. A forest
of such a model therefore has one node a row, and each row is a forward pass of its own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tunery.errors import UserError
from tunery.models.proven import UNSHARED

REASON = "its blocks carry a state from token to token, which cannot branch with a forest"


def shares(model: Any) -> bool:
    """Whether rows of a model that begin alike are computed once."""
    return model.config.model_type not in UNSHARED


def check_decodes(model: Any) -> None:
    """Refuses a model that does not share: the cache of decoding holds keys and values only.

    Raises:
        UserError: The model carries a state.
    """
    if not shares(model):
        raise UserError(
            f"A model of type {model.config.model_type!r} can be trained here, but not asked: "
            f"{REASON}, and decoding keeps keys and values only.",
            "Train without data.test, then load the adapter with PEFT, or the saved model with "
            "transformers: both have the usual formats.",
        )


@torch.no_grad()
def called_layers(model: Any) -> set[str]:
    """Full names of the linear layers that a model calls as layers.

    Some blocks read the weight of a layer and never call it, as Mamba does with `dt_proj`; what
    replaces such a layer would not be asked. One forward pass over two tokens tells.
    """
    called: set[str] = set()
    handles = [
        part.register_forward_hook(lambda *_args, name=name: called.add(name))
        for name, part in model.named_modules()
        if isinstance(part, nn.Linear)
    ]
    try:
        model.base_model(input_ids=torch.zeros(1, 2, dtype=torch.int64), use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return called
