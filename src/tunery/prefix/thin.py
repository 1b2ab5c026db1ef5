"""Products of few rows with a large weight, as decoding needs them.

W x^T is the same product as x W^T, transposed. With few rows the libraries behind torch compute it
up to three times faster on a CPU (docs/design/002-engine.md has the numbers).

Shapes: B rows, i inputs, o outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

MOST_ROWS = 128
"""With more rows x W^T is as fast. A single row is a matrix times a vector either way."""


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Computes x W^T + bias, without a gradient: [..., i] and [o, i] to [..., o]."""
    rows = x.numel() // max(1, x.shape[-1])
    if not 1 < rows <= MOST_ROWS:
        return nn.functional.linear(x, weight, bias)
    out = torch.mm(weight, x.reshape(rows, -1).T).T.contiguous()
    if bias is not None:
        out += bias
    return out.view(*x.shape[:-1], -1)


class ThinLinear(nn.Linear):
    """A linear layer that takes the faster way when no gradient is wanted.

    Args:
        own: The layer that is replaced; its weight and bias are shared.
    """

    def __init__(self, own: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = own.in_features, own.out_features
        self.weight, self.bias = own.weight, own.bias

    def forward(self, input: Tensor) -> Tensor:
        """[..., i] to [..., o]."""
        if torch.is_grad_enabled():
            return nn.functional.linear(input, self.weight, self.bias)
        return product(input, self.weight, self.bias)


def make_thin(model: Any) -> None:
    """Replaces the linear layers of a model's body, for decoding."""
    body = model.base_model
    for name, layer in list(body.named_modules()):
        if type(layer) is nn.Linear:
            parent, _, child = name.rpartition(".")
            setattr(body.get_submodule(parent), child, ThinLinear(layer))
