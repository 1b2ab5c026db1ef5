"""Gives a model LoRA layers, to train an adapter or to wear one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tunery.errors import MismatchError
from tunery.models.adapters import Adapter
from tunery.prefix.embeddings import put_on
from tunery.prefix.gated import join_gates
from tunery.prefix.lora import LoraLinear, layers
from tunery.prefix.quantized import Kind, Quantized
from tunery.prefix.targets import chosen_blocks, chosen_layers


def attach(  # noqa: PLR0913 - what LoRA is, one argument each
    model: Any,
    targets: Sequence[str],
    rank: int,
    scale: float,
    last_blocks: int | None = None,
    *,
    blocks: Sequence[int | str] | None = None,
    dora: bool = False,
    quantize: Kind | None = None,
    dropout: float = 0.0,
) -> list[str]:
    """Replaces linear layers of a model by `LoraLinear`, untrained, and freezes all else.

    Args:
        model: Changed in place.
        targets: Which layers, see `prefix.targets.chosen_layers`.
        rank: r.
        scale: s.
        last_blocks: Only the last so many blocks get adapters; all by default. The blocks below
            the first adapter then need no backward pass.
        blocks: Only these blocks get adapters, see `prefix.targets.chosen_blocks`.
        dora: Each row of a layer gets a trained length too.
        quantize: The frozen weights of these layers are kept in few bits.
        dropout: Share of an adapter's inputs that training drops.

    Returns:
        Full names of the layers replaced, in the model's order.

    Raises:
        UserError: A target or a block is not there.
    """
    model.requires_grad_(requires_grad=False)
    count = model.config.get_text_config().num_hidden_layers
    names = chosen_layers(model, targets, chosen_blocks(count, blocks, last_blocks))
    for name in names:
        parent, _, child = name.rpartition(".")
        owner = model.get_submodule(parent)
        frozen = getattr(owner, child)
        layer = LoraLinear(frozen, rank, scale, dora=dora, quantize=quantize, dropout=dropout)
        setattr(owner, child, layer)
    join_gates(model)
    return names


@torch.no_grad()
def initialise(model: nn.Module, seed: int) -> None:
    """Starts A at Kaiming-uniform values (as PEFT does, a = sqrt 5) and B at zero.

    A magnitude starts at the norm of its row, so the layer computes what the frozen one does.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in layers(model).values():
        bound = 1 / math.sqrt(layer.lora_a.shape[1])
        layer.lora_a.uniform_(-bound, bound, generator=generator)
        layer.lora_b.zero_()
        if layer.magnitude is not None:
            layer.magnitude.copy_(torch.linalg.vector_norm(layer.dense(), dim=1))


@torch.no_grad()
def wear(model: nn.Module, adapter: Adapter | None) -> None:
    """Makes a model compute as its base, or with an adapter merged into its weights.

    An adapter with an embedding of its own changes the model for good.

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
    put_on(model, adapter)
    quantize = adapter.quantize
    for name, (a, b) in adapter.factors.items():
        magnitude = adapter.magnitudes.get(name)
        worn = LoraLinear(modules[name], a.shape[0], adapter.scale, dora=magnitude is not None)
        worn.lora_a.data, worn.lora_b.data = a.detach(), b.detach()
        if worn.magnitude is not None and magnitude is not None:
            worn.magnitude.data = magnitude.detach()
        worn.merge(None if quantize is None else _rounded(worn, quantize))
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, worn)


def _rounded(layer: LoraLinear, kind: Kind) -> Tensor | None:
    """The weight that an adapter was trained on; None if the layer has just that."""
    if isinstance(layer.weight, Quantized):
        return None
    return Quantized(layer.weight, kind).dense()
