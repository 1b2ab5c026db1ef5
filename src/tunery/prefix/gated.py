"""The gated feed-forward layer of a block as one operation, with its own backward pass.

    g = x Wg'^T        u = x Wu'^T        h = act(g) * u        y = h Wd'^T

(Shazeer 2020, GLU Variants, equation 6, on LoRA-merged weights.) Written as separate operations it
stores x, g, act(g), u and h for the backward pass and walks over [T, f] five times in memory. Here
x, g and u are stored, h is computed again, and the element-wise part goes by tiles of tokens that
stay in the processor's cache.

Shapes: T tokens, d hidden size, f width inside the layer, r rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.activations import GELUTanh, SiLUActivation

from tunery.prefix.lora import LoraLinear, factor_gradients

TILE = 128
"""Tokens that the element-wise part takes at a time."""

NAMES = ("gate_proj", "up_proj", "down_proj")
"""What the three linear layers are called in every family that has them apart."""

_aten = torch.ops.aten


@dataclass(frozen=True, slots=True)
class Activation:
    """An element-wise function and its derivative.

    Attributes:
        value: (x, out): writes act(x).
        chain: (grad, x, out): writes grad * act'(x); `out` may be `grad`.
    """

    value: Callable[[Tensor, Tensor], object]
    chain: Callable[[Tensor, Tensor, Tensor], object]


ACTIVATIONS: Mapping[type[nn.Module], Activation] = {
    SiLUActivation: Activation(
        lambda x, out: _aten.silu.out(x, out=out),
        lambda grad, x, out: _aten.silu_backward.grad_input(grad, x, grad_input=out),
    ),
    GELUTanh: Activation(
        lambda x, out: _aten.gelu.out(x, approximate="tanh", out=out),
        lambda grad, x, out: _aten.gelu_backward.grad_input(
            grad, x, approximate="tanh", grad_input=out
        ),
    ),
}
"""Those with which `GatedLayer` computes as one operation."""


class GatedLayer(nn.Module):
    """Stands in for a model's own gated layer, under the same names.

    Args:
        own: The layer that is replaced, with children `NAMES` and `act_fn`.
    """

    def __init__(self, own: Any) -> None:
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = (own.get_submodule(n) for n in NAMES)
        self.act_fn = own.act_fn

    def forward(self, x: Tensor) -> Tensor:
        """[..., d] to [..., d]."""
        three = (self.gate_proj, self.up_proj, self.down_proj)
        if torch.is_grad_enabled() and all(_is_plain(layer) for layer in three):
            factors = [f for layer in three for f in (layer.lora_a, layer.lora_b)]
            activation = ACTIVATIONS[type(self.act_fn)]
            out: Tensor = _Gated.apply(x, activation, three, *factors)
            return out
        out = self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))
        return out


def join_gates(model: nn.Module) -> None:
    """Replaces the gated layers of a model whose three products all have LoRA."""
    for name, own in list(model.named_modules()):
        parts = [getattr(own, child, None) for child in NAMES]
        if not all(_is_plain(part) and getattr(part, "bias", None) is None for part in parts):
            continue
        if type(getattr(own, "act_fn", None)) in ACTIVATIONS:
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, GatedLayer(own))


def _is_plain(layer: Any) -> bool:
    """Whether a layer is LoRA without DoRA or dropout, whose output one product makes."""
    return isinstance(layer, LoraLinear) and layer.magnitude is None and layer.dropout is None


class _Gated(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        activation: Activation,
        layers: tuple[LoraLinear, LoraLinear, LoraLinear],
        *factors: Tensor,
    ) -> Tensor:
        flat = x.flatten(0, -2)  # [T, d]
        gate, up = flat @ layers[0].effective.T, flat @ layers[1].effective.T  # [T, f]
        inner = torch.empty_like(up)
        for part in tiles(len(flat)):
            activation.value(gate[part], inner[part])
            inner[part].mul_(up[part])
        ctx.save_for_backward(x, gate, up, *factors)
        ctx.activation, ctx.layers = activation, layers
        return (inner @ layers[2].effective.T).view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, gate, up, gate_a, gate_b, up_a, up_b, down_a, down_b = ctx.saved_tensors
        flat_x, flat_grad = x.flatten(0, -2), grad.flatten(0, -2)
        gate_layer, up_layer, down_layer = ctx.layers
        to_gate, to_up = flat_grad @ down_layer.effective, torch.empty_like(up)  # [T, f]
        inner, active = torch.empty_like(up), torch.empty_like(up[:TILE])
        for part in tiles(len(flat_x)):
            value = active[: len(up[part])]
            ctx.activation.value(gate[part], value)
            torch.mul(value, up[part], out=inner[part])
            torch.mul(value, to_gate[part], out=to_up[part])
            ctx.activation.chain(to_gate[part].mul_(up[part]), gate[part], to_gate[part])
        down = factor_gradients(inner, flat_grad, down_a, down_b, down_layer.scale)
        gates = factor_gradients(flat_x, to_gate, gate_a, gate_b, gate_layer.scale)
        ups = factor_gradients(flat_x, to_up, up_a, up_b, up_layer.scale)
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = (to_gate @ gate_layer.effective).addmm_(to_up, up_layer.effective).view_as(x)
        return grad_x, None, None, *gates, *ups, *down


def tiles(tokens: int) -> list[slice]:
    """Spans of `TILE` tokens, the last one shorter."""
    return [slice(start, min(start + TILE, tokens)) for start in range(0, tokens, TILE)]
