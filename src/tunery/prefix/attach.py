"""Gives a model LoRA layers, to train an adapter or to wear one."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from tunery.errors import MismatchError, UserError
from tunery.models.adapters import Adapter, block_of
from tunery.prefix.gated import join_gates
from tunery.prefix.lora import LoraLinear, layers


def attach(
    model: Any, targets: Iterable[str], rank: int, scale: float, last_blocks: int | None = None
) -> list[str]:
    """Replaces linear layers of a model by `LoraLinear`, untrained, and freezes all else.

    Args:
        model: Changed in place.
        targets: Last parts of the names of the layers, such as `q_proj`.
        rank: r.
        scale: s.
        last_blocks: Only the last so many blocks get adapters; all by default. The blocks below
            the first adapter then need no backward pass.

    Returns:
        Full names of the layers replaced, in the model's order.

    Raises:
        UserError: A target names no linear layer of this model.
    """
    wanted = set(targets)
    model.requires_grad_(requires_grad=False)
    head = model.get_output_embeddings()  # reached by no adapter, see prefix.logprobs
    linear = [n for n, m in model.named_modules() if isinstance(m, nn.Linear) and m is not head]
    names = [name for name in linear if name.rpartition(".")[2] in wanted]
    missing = wanted - {name.rpartition(".")[2] for name in names}
    if missing:
        known = sorted({name.rpartition(".")[2] for name in linear})
        raise UserError(
            f"method.targets names {', '.join(sorted(missing))}, which is no linear layer of this "
            f"model; it has {', '.join(known)}.",
            "Correct method.targets, or leave it out.",
        )
    if last_blocks is not None:
        first = model.config.get_text_config().num_hidden_layers - last_blocks
        names = [name for name in names if (block_of(name) or 0) >= first]
    for name in names:
        parent, _, child = name.rpartition(".")
        owner = model.get_submodule(parent)
        setattr(owner, child, LoraLinear(getattr(owner, child), rank, scale))
    join_gates(model)
    return names


@torch.no_grad()
def initialise(model: nn.Module, seed: int) -> None:
    """Starts A at Kaiming-uniform values (as PEFT does, a = sqrt 5) and B at zero."""
    generator = torch.Generator().manual_seed(seed)
    for layer in layers(model).values():
        bound = 1 / math.sqrt(layer.lora_a.shape[1])
        layer.lora_a.uniform_(-bound, bound, generator=generator)
        layer.lora_b.zero_()


@torch.no_grad()
def wear(model: nn.Module, adapter: Adapter | None) -> None:
    """Makes a model compute as its base, or with an adapter merged into its weights.

    Args:
        model: Changed in place; it may wear another adapter before.
        adapter: The adapter to wear; None for the base alone.

    Raises:
        MismatchError: The adapter's layers are not those of this model.
    """
    modules = dict(model.named_modules())
    for name, (a, b) in (adapter.factors if adapter else {}).items():
        frozen = modules.get(name)
        if not isinstance(frozen, nn.Linear | LoraLinear):
            raise MismatchError(
                f"The adapter has a layer {name}; the model has none of that name.",
                "Use the adapter with the base model that it was trained on.",
            )
        if frozen.weight.shape != (b.shape[0], a.shape[1]):
            raise MismatchError(
                f"Layer {name} of the adapter is {b.shape[0]} x {a.shape[1]}; the model's is "
                f"{frozen.weight.shape[0]} x {frozen.weight.shape[1]}.",
                "Use the adapter with the base model that it was trained on.",
            )
    for layer in layers(model).values():
        layer.unmerge()
    if adapter is None:
        return
    for name, (a, b) in adapter.factors.items():
        worn = LoraLinear(modules[name], a.shape[0], adapter.scale)
        worn.lora_a.data, worn.lora_b.data = a.detach(), b.detach()
        worn.merge()
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, worn)
