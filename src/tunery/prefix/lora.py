"""LoRA on merged weights: one product forward, no stored intermediate.

LoRA (Hu et al. 2021, equation 3) adds s B A to a frozen W. With W' = W + s B A computed once per
optimizer step,

    y = x W'^T        dx = dy W'        dA = s (dy B)^T x        dB = s dy^T (x A^T)

which are the gradients of the usual three-product form, with fewer passes over [T, d].

Shapes: T tokens, i inputs, o outputs, r rank.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tunery.prefix.thin import product


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

    @property
    def effective(self) -> Tensor:
        """The weight that the layer computes with, [o, i]: W' once merged, W before."""
        return self.weight if self._merged is None else self._merged

    def forward(self, x: Tensor) -> Tensor:
        """[..., i] to [..., o]."""
        if torch.is_grad_enabled():
            out: Tensor = _MergedProduct.apply(
                x, self.effective, self.lora_a, self.lora_b, self.scale
            )
            return out if self.bias is None else out + self.bias
        return product(x, self.effective, self.bias)


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
        return grad_x, None, *factor_gradients(flat_x, flat_grad, a, b, ctx.scale), None


def factor_gradients(
    x: Tensor, grad: Tensor, a: Tensor, b: Tensor, scale: float
) -> tuple[Tensor, Tensor]:
    """Gradients of A, [r, i], and B, [o, r], from inputs [T, i] and output gradients [T, o]."""
    return (grad @ b).mul_(scale).T @ x, grad.T @ (x @ a.T).mul_(scale)


def layers(model: nn.Module) -> dict[str, LoraLinear]:
    """The model's LoRA layers by full name, in the model's order."""
    return {name: m for name, m in model.named_modules() if isinstance(m, LoraLinear)}


def merge_all(model: nn.Module) -> None:
    """Calls `LoraLinear.merge` on every LoRA layer."""
    for layer in layers(model).values():
        layer.merge()
