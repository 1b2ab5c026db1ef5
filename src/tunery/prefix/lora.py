"""LoRA on merged weights: one product forward, no stored intermediate.

LoRA (Hu et al. 2021, equation 3) adds s B A to a frozen W. With W' = W + s B A computed once per
optimizer step,

    y = x W'^T        dx = dy W'        dA = s (dy B)^T x        dB = s dy^T (x A^T)

which are the gradients of the usual three-product form, with fewer passes over [T, d].

Shapes: T tokens, i inputs, o outputs, r rank.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tunery.errors import MismatchError, UserError
from tunery.models.adapters import Adapter, block_of


class LoraLinear(nn.Module):
    """A frozen linear layer with a trainable low-rank addition.

    `merge` must be called after A or B changed, and not between a forward pass and its backward
    pass. Before the first call the layer computes what the frozen layer does.

    Args:
        frozen: The layer that is replaced; its weight [o, i] and bias are kept as they are.
        rank: r.
        scale: s, usually alpha / rank.
    """

    def __init__(self, frozen: nn.Linear | LoraLinear, rank: int, scale: float) -> None:
        super().__init__()
        outputs, inputs = frozen.weight.shape
        self.weight: Tensor = frozen.weight
        self.bias: Tensor | None = frozen.bias
        self.scale = scale
        self.lora_a = nn.Parameter(torch.zeros(rank, inputs))
        self.lora_b = nn.Parameter(torch.zeros(outputs, rank))
        self._merged: Tensor | None = None

    @torch.no_grad()
    def merge(self) -> None:
        """Brings W' up to date with A and B."""
        if self._merged is None:
            self._merged = torch.empty_like(self.weight)
        torch.addmm(self.weight, self.lora_b, self.lora_a, alpha=self.scale, out=self._merged)

    def unmerge(self) -> None:
        """Computes with the frozen weight alone from now on, and frees W'."""
        self._merged = None

    def forward(self, x: Tensor) -> Tensor:
        """[..., i] to [..., o]."""
        weight = self.weight if self._merged is None else self._merged
        if torch.is_grad_enabled():
            out: Tensor = _MergedProduct.apply(x, weight, self.lora_a, self.lora_b, self.scale)
            return out if self.bias is None else out + self.bias
        return nn.functional.linear(x, weight, self.bias)


class _MergedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, merged: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(x, a, b)
        ctx.merged, ctx.scale = merged, scale  # changes between steps, never within one
        return nn.functional.linear(x, merged)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, a, b = ctx.saved_tensors
        flat_x, flat_grad = x.flatten(0, -2), grad.flatten(0, -2)  # [T, i], [T, o]
        grad_x = (flat_grad @ ctx.merged).view_as(x) if ctx.needs_input_grad[0] else None
        grad_a = ((flat_grad @ b).T @ flat_x).mul_(ctx.scale)
        grad_b = (flat_grad.T @ (flat_x @ a.T)).mul_(ctx.scale)
        return grad_x, None, grad_a, grad_b, None


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
    return names


def layers(model: nn.Module) -> dict[str, LoraLinear]:
    """The model's LoRA layers by full name, in the model's order."""
    return {name: m for name, m in model.named_modules() if isinstance(m, LoraLinear)}


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


def merge_all(model: nn.Module) -> None:
    """Calls `LoraLinear.merge` on every LoRA layer."""
    for layer in layers(model).values():
        layer.merge()
