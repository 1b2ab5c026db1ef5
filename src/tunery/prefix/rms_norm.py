"""RMS normalisation on plain tensors, forward and backward, for operations that include it.

    n = x / sqrt(mean(x^2) + eps)        y = g n        (Zhang and Sennrich 2019, equation 4)

    dx = (g dy - n mean(g dy n)) / sqrt(mean(x^2) + eps)

Shapes: d hidden size, or head dimension where heads are normalised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_EPSILON = ("variance_epsilon", "eps", "epsilon")
"""What families call it."""


@dataclass(frozen=True, slots=True, eq=False)
class RmsNorm:
    """A frozen RMS normalisation.

    Attributes:
        gain: g, [d].
        eps: Added to the mean square.
    """

    gain: Tensor
    eps: float

    def normalised(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Gives n, [..., d], and one over the root of the mean square, [..., 1], of x, [..., d]."""
        squares = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_()
        rate = squares.div_(x.shape[-1]).add_(self.eps).rsqrt_()
        return x * rate, rate

    def forward(self, x: Tensor) -> Tensor:
        """[..., d] to [..., d]."""
        return self.normalised(x)[0].mul_(self.gain)

    def input_gradient(self, grad: Tensor, n: Tensor, rate: Tensor) -> Tensor:
        """Gradient of x from that of y, [..., d], which is overwritten; n and rate are x's."""
        grad.mul_(self.gain)
        mean = (grad * n).mean(dim=-1, keepdim=True)
        return grad.addcmul_(n, mean, value=-1).mul_(rate)


@torch.no_grad()
def read_norm(layer: Any) -> RmsNorm | None:
    """Takes over a layer that normalises so; None if it does anything else, or is trained.

    Some families store g - 1. What the layer makes of a few vectors tells.
    """
    eps = next((getattr(layer, name) for name in _EPSILON if hasattr(layer, name)), None)
    weight = getattr(layer, "weight", None)
    if not isinstance(layer, nn.Module) or not isinstance(weight, Tensor) or eps is None:
        return None
    if weight.requires_grad or getattr(layer, "bias", None) is not None or weight.ndim != 1:
        return None
    trial = torch.randn(4, len(weight), generator=torch.Generator().manual_seed(0)).to(weight)
    wanted = layer(trial)
    for gain in (weight.detach(), weight.detach() + 1):
        norm = RmsNorm(gain, float(eps))
        if torch.allclose(norm.forward(trial), wanted, rtol=1e-5, atol=1e-6):
            return norm
    return None
