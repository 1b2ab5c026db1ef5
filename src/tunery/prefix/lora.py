"""LoRA on merged weights: one product forward, no stored intermediate.

LoRA (Hu et al. 2021, equation 3) adds s B A to a frozen W. With W' = W + s B A computed once per
optimizer step,

    y = x W'^T        dx = dy W'        dA = s (dy B)^T x        dB = s dy^T (x A^T)

which are the gradients of the usual three-product form, with fewer passes over [T, d].

DoRA (Liu et al. 2024, equation 5) gives each row of W' a trained length m. With n the lengths of
the rows of V = W + s B A, taken as constants in the backward pass (its section 4.3, as PEFT does),

    z = x (V / n)^T        y = m z        dm = sum over tokens of dy z        dz = m dy

and the gradients of A and B are those above for dz, with s / n of its row in place of s.

Shapes: T tokens, i inputs, o outputs, r rank.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from tunery.prefix.dropout import AdapterDropout
from tunery.prefix.embeddings import TrainedRows
from tunery.prefix.quantized import Kind, Quantized
from tunery.prefix.thin import product

SHORTEST = 1e-30
"""Rows of zeros have no direction; their length counts as this much."""


class LoraLinear(nn.Module):
    """A frozen linear layer with a trainable low-rank addition.

    `merge` must be called after A, B or m changed, and not between a forward pass and its backward
    pass. Before the first call the layer computes what the frozen layer does.

    Args:
        frozen: The layer that is replaced; its weight [o, i] and bias are kept as they are.
        rank: r.
        scale: s, usually alpha / rank.
        dora: Rows get a trained length, `magnitude` [o].
        quantize: The frozen weight is kept in few bits. W' is then made for each product and not
            kept.
        dropout: Share of the adapter's inputs that training drops, see `prefix.dropout`.
    """

    def __init__(
        self,
        frozen: nn.Linear | LoraLinear,
        rank: int,
        scale: float,
        *,
        dora: bool = False,
        quantize: Kind | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        outputs, inputs = frozen.weight.shape
        self.weight: Tensor | Quantized = _stored(frozen.weight, quantize)
        self.bias: Tensor | None = frozen.bias
        self.scale = scale
        self.lora_a = nn.Parameter(torch.zeros(rank, inputs))
        self.lora_b = nn.Parameter(torch.zeros(outputs, rank))
        self.magnitude = nn.Parameter(torch.zeros(outputs)) if dora else None
        self.dropout = AdapterDropout(dropout) if dropout else None
        self.apart = False
        """W' is not kept but made for each product that asks for it."""
        self._adapted = False
        self._place: Tensor | None = None  # [o, i]: memory for W' that others read too
        self._merged: Tensor | None = None  # [o, i]: W', with DoRA its rows of length 1
        self._lengths: Tensor | None = None  # [o]: n, with DoRA

    @torch.no_grad()
    def merge(self, weight: Tensor | None = None) -> None:
        """Brings W' up to date with A and B.

        Args:
            weight: Taken in place of the frozen weight, [o, i], which stays as it is.
        """
        self._adapted = True
        if self.apart:
            return
        if isinstance(self.weight, Quantized):
            if self.magnitude is not None:
                self._lengths = _lengths(self._sum(self.weight.dense()))
            return
        if self._merged is None:
            self._merged = torch.empty_like(self.weight) if self._place is None else self._place
        self._sum(self.weight if weight is None else weight, self._merged)
        if self.magnitude is not None:
            self._lengths = _lengths(self._merged)
            self._merged.div_(self._lengths[:, None])

    def unmerge(self) -> None:
        """Computes with the frozen weight alone from now on, and lets go of W'."""
        self._adapted = False
        self._place = self._merged = self._lengths = None

    def keep(self, place: Tensor | None = None) -> None:
        """Keeps W' from now on, up to date with A and B.

        Args:
            place: Memory for it, [o, i]; the layer's own by default.
        """
        self.apart, self._place, self._merged = False, place, None
        self.merge()

    def keep_apart(self) -> None:
        """Lets go of W'; it is made for each product from now on. Not for DoRA."""
        if self.magnitude is not None:
            raise ValueError("a layer with DoRA keeps the lengths of its rows")
        self.unmerge()
        self.apart = self._adapted = True

    @property
    def kept(self) -> bool:
        """Whether W' is in memory beside W."""
        return self._merged is not None

    def dense(self) -> Tensor:
        """The frozen weight in float32, [o, i]."""
        return self.weight.dense() if isinstance(self.weight, Quantized) else self.weight

    def _sum(self, weight: Tensor, out: Tensor | None = None) -> Tensor:
        """W + s B A; overwrites W where no other place is given."""
        out = weight if out is None else out
        torch.addmm(weight, self.lora_b, self.lora_a, alpha=self.scale, out=out)
        return out

    @property
    def effective(self) -> Tensor:
        """What x is multiplied with, [o, i]: W' once merged (with DoRA V / n), W before."""
        if not isinstance(self.weight, Quantized):
            if self.apart and self._adapted:
                with torch.no_grad():
                    return self._sum(self.weight, torch.empty_like(self.weight))
            return self.weight if self._merged is None else self._merged
        with torch.no_grad():
            dense = self.weight.dense()
            if self._adapted:
                self._sum(dense)
            return dense if self._lengths is None else dense.div_(self._lengths[:, None])

    @property
    def factor_scale(self) -> float | Tensor:
        """Factor on B A in `effective`: s, or with DoRA s / n of each row, [o]."""
        return self.scale if self._lengths is None else self.scale / self._lengths

    def trained(self) -> list[nn.Parameter]:
        """The parameters that are trained, in the order in which they are packed."""
        both = [self.lora_a, self.lora_b]
        return both if self.magnitude is None else [*both, self.magnitude]

    def forward(self, x: Tensor) -> Tensor:
        """[..., i] to [..., o]."""
        if torch.is_grad_enabled() and self.dropout is not None:
            out: Tensor = _FrozenProduct.apply(x, self)
            out = out + self.scale * ((self.dropout(x) @ self.lora_a.T) @ self.lora_b.T)
        elif torch.is_grad_enabled():
            out = _MergedProduct.apply(x, self, self.lora_a, self.lora_b)
        else:
            out = product(x, self.effective)
        if self.magnitude is not None and self._adapted:
            out = out * self.magnitude
        return out if self.bias is None else out + self.bias


def _stored(weight: Tensor | Quantized, quantize: Kind | None) -> Tensor | Quantized:
    if quantize is None or isinstance(weight, Quantized):
        return weight
    return Quantized(weight, quantize)


def _lengths(weight: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(weight, dim=1)
    return lengths.clamp_min_(SHORTEST)


class _MergedProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: LoraLinear, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, a, b)
        ctx.layer = layer  # what it is multiplied with changes between steps, never within one
        return nn.functional.linear(x, layer.effective)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, a, b = ctx.saved_tensors
        flat_x, flat_grad = x.flatten(0, -2), grad.flatten(0, -2)  # [T, i], [T, o]
        grad_x = (flat_grad @ ctx.layer.effective).view_as(x) if ctx.needs_input_grad[0] else None
        return grad_x, None, *factor_gradients(flat_x, flat_grad, a, b, ctx.layer.factor_scale)


class _FrozenProduct(torch.autograd.Function):
    """With W alone, which is not kept for the backward pass where it has few bits."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: LoraLinear) -> Tensor:
        ctx.layer = layer
        return nn.functional.linear(x, layer.dense())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None]:
        return grad @ ctx.layer.dense(), None


def factor_gradients(
    x: Tensor, grad: Tensor, a: Tensor, b: Tensor, scale: float | Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of A, [r, i], and B, [o, r], from inputs [T, i] and output gradients [T, o].

    Args:
        x: Inputs.
        grad: Gradients of the outputs.
        a: A.
        b: B.
        scale: Factor on B A, one for all rows or one each, [o].
    """
    if isinstance(scale, Tensor):
        grad, scale = grad * scale, 1.0
    return (grad @ b).mul_(scale).T @ x, grad.T @ (x @ a.T).mul_(scale)


def layers(model: nn.Module) -> dict[str, LoraLinear]:
    """The model's LoRA layers by full name, in the model's order."""
    return {name: m for name, m in model.named_modules() if isinstance(m, LoraLinear)}


def keep_all(model: nn.Module) -> None:
    """Lets every layer that made W' for each product keep it, as answering many requests wants."""
    for layer in layers(model).values():
        if layer.apart:
            layer.keep()


def merge_all(model: nn.Module) -> None:
    """Calls `merge` on every LoRA layer and on trained rows of a table."""
    for module in model.modules():
        if isinstance(module, LoraLinear | TrainedRows):
            module.merge()
