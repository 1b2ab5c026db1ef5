"""Linear layers that read one input, computed as one product on merged weights.

Queries, keys and values; gate and up. One wide product runs at a higher rate than several narrow
ones, and the thin products of LoRA's gradients (`prefix.lora`) share their passes over the input.

Shapes: T tokens, i inputs, o outputs of all layers together, r rank.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tunery.prefix.lora import LoraLinear


class Joined:
    """LoRA layers, without DoRA and with weights in full, whose W' lie one below the other.

    The layers keep their own A and B and go on merging their own W', into one piece of memory.

    Args:
        layers: In the order of the outputs; all with the same number of inputs.
    """

    def __init__(self, layers: Sequence[LoraLinear]) -> None:
        self.layers = tuple(layers)
        sizes = [len(layer.dense()) for layer in layers]
        self.weight = layers[0].dense().new_empty(sum(sizes), layers[0].dense().shape[1])
        ends = torch.tensor(sizes).cumsum(0).tolist()
        self.parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        for layer, part in zip(layers, self.parts, strict=True):
            layer.keep_in(self.weight[part])
        self.bias = self._bias()

    def _bias(self) -> Tensor | None:
        if all(layer.bias is None for layer in self.layers):
            return None
        rows = zip(self.layers, self.parts, strict=True)
        given = [(layer.bias, self.weight[part, 0]) for layer, part in rows]
        return torch.cat([torch.zeros_like(to) if b is None else b.detach() for b, to in given])

    @property
    def factors(self) -> list[Tensor]:
        """A and B of each layer in turn."""
        return [factor for layer in self.layers for factor in (layer.lora_a, layer.lora_b)]

    def forward(self, x: Tensor) -> Tensor:
        """[T, i] to [T, o]."""
        if self.bias is None:
            return x @ self.weight.T
        return torch.addmm(self.bias, x, self.weight.T)

    def added_to(self, rest: Tensor, x: Tensor) -> Tensor:
        """`rest`, [T, o], plus the product of x, [T, i]."""
        out = torch.addmm(rest, x, self.weight.T)
        return out if self.bias is None else out.add_(self.bias)

    def input_gradient(self, grad: Tensor) -> Tensor:
        """[T, o] to [T, i]."""
        return grad @ self.weight

    def factor_gradients(self, x: Tensor, grad: Tensor) -> list[Tensor]:
        """Gradients of A, [r, i], and B, [o, r], of each layer in turn.

        Args:
            x: [T, i].
            grad: [T, o].
        """
        factors: list[Tensor] = [layer.lora_a for layer in self.layers]
        down = x @ (torch.cat(factors) if len(factors) > 1 else factors[0]).T  # [T, all r]
        pushed = torch.empty_like(down)
        spans = torch.tensor([0, *map(len, factors)]).cumsum(0).tolist()
        to_b = []
        for layer, part, start, end in zip(self.layers, self.parts, spans, spans[1:], strict=False):
            torch.mm(grad[:, part], layer.lora_b, out=pushed[:, start:end]).mul_(layer.scale)
            to_b.append(down[:, start:end].mul_(layer.scale).T @ grad[:, part])  # [r, o]
        to_a = (pushed.T @ x).split([len(factor) for factor in factors])
        return [g for a, b in zip(to_a, to_b, strict=True) for g in (a, b.T)]
