"""The gated half of a block as one operation, with its own backward pass.

    n = norm(x)        g, u = n Wgu'^T        y = x + (act(g) * u) Wd'^T

x, g and u are stored; n and the product of act(g) and u are computed again. The gradients of g and
u take the memory of g and u.

Shapes: T tokens, d hidden size, f width inside the layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tunery.prefix.gated import TILE, Activation, tiles
from tunery.prefix.joined import Joined
from tunery.prefix.normed import Normed


@dataclass(frozen=True, slots=True, eq=False)
class GatedHalf:
    """What the half consists of.

    Attributes:
        inward: Gate and up, behind the block's norm.
        outward: Down.
        activation: act.
    """

    inward: Normed
    outward: Joined
    activation: Activation

    def __call__(self, x: Tensor) -> Tensor:
        """The block's state after this half, [T, d] to [T, d]."""
        out: Tensor = _GatedHalf.apply(x, self, *self.factors)
        return out

    @property
    def factors(self) -> list[Tensor]:
        """A and B of all layers."""
        return [*self.inward.layers.factors, *self.outward.factors]


class _GatedHalf(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, half: GatedHalf, *_factors: Tensor) -> Tensor:
        both = half.inward.forward(x)  # [T, 2 f]
        gate, up = both.chunk(2, dim=1)
        inner = torch.empty_like(gate)
        for part in tiles(len(x)):
            half.activation.value(gate[part], inner[part])
            inner[part].mul_(up[part])
        ctx.save_for_backward(x, both)
        ctx.half = half
        return half.outward.added_to(x, inner)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, both = ctx.saved_tensors
        half: GatedHalf = ctx.half
        grad = grad.contiguous()
        gate, up = both.chunk(2, dim=1)
        pushed = half.outward.pushed(grad)
        to_inner = half.outward.input_gradient(grad, pushed)  # [T, f]
        inner = torch.empty_like(to_inner)
        active = torch.empty_like(inner[:TILE])
        for part in tiles(len(x)):
            own_gate, own_up, value = gate[part], up[part], active[: len(inner[part])]
            half.activation.value(own_gate, value)
            torch.mul(value, own_up, out=inner[part])
            half.activation.chain(own_up.mul_(to_inner[part]), own_gate, own_gate)
            torch.mul(value, to_inner[part], out=own_up)
        outward = half.outward.factor_gradients(inner, grad, pushed)
        to_x, inward = half.inward.gradients(x, both, grad, wanted=ctx.needs_input_grad[0])
        return to_x, None, *inward, *outward
