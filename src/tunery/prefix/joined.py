"""Linear layers with LoRA that read one input: queries, keys and values; gate and up.

Computed in one of two ways, which give the same numbers up to rounding:

    merged    y = x W'^T                   W' of all layers in one piece, made anew each step
    apart     y = x W^T + s (x A^T) B^T    no W': less memory, and nothing to do between steps

W' costs as much memory as W and a pass over both a step; the thin products beside W cost time for
each token. So many tokens a step are faster merged, few are faster apart. Either way the thin
products of LoRA's gradients (`prefix.lora`) share their passes over the input.

Shapes: T tokens, i inputs, o outputs of all layers together, r rank, R ranks of all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from tunery.prefix.lora import LoraLinear


class Joined:
    """LoRA layers of one scale s, without DoRA and with weights in full.

    The layers keep their own A and B. Merged, they go on merging their own W', into one piece.

    Args:
        layers: In the order of the outputs; all with the same number of inputs.
        merged: Whether W' is kept.
    """

    def __init__(self, layers: Sequence[LoraLinear], *, merged: bool) -> None:
        self.layers = tuple(layers)
        (self.scale,) = {layer.scale for layer in layers}
        self.outputs = _spans([len(layer.dense()) for layer in layers])
        self.ranks = _spans([len(layer.lora_a) for layer in layers])
        first = layers[0].dense()
        self.weight = first.new_empty(self.outputs[-1].stop, first.shape[1]) if merged else None
        for layer, part in zip(self.layers, self.outputs, strict=True):
            if self.weight is not None:
                layer.keep(self.weight[part])
            else:
                layer.keep_apart()
        self.bias = self._bias(first)

    def _bias(self, like: Tensor) -> Tensor | None:
        given = [layer.bias for layer in self.layers]
        if all(bias is None for bias in given):
            return None
        sizes = [part.stop - part.start for part in self.outputs]
        return torch.cat(
            [
                like.new_zeros(size) if bias is None else bias.detach()
                for bias, size in zip(given, sizes, strict=True)
            ]
        )

    @property
    def factors(self) -> list[Tensor]:
        """A and B of each layer in turn."""
        return [factor for layer in self.layers for factor in (layer.lora_a, layer.lora_b)]

    def forward(self, x: Tensor) -> Tensor:
        """[T, i] to [T, o]."""
        if self.weight is not None:
            out = x @ self.weight.T
        else:
            down = self._down(x)
            out = x.new_empty(len(x), self.outputs[-1].stop)
            for layer, part, rank in self._each():
                torch.mm(x, layer.dense().T, out=out[:, part])
                out[:, part].addmm_(down[:, rank], layer.lora_b.T)
        return out if self.bias is None else out.add_(self.bias)

    def added_to(self, rest: Tensor, x: Tensor) -> Tensor:
        """`rest`, [T, o], plus the product of x, [T, i]; of a single layer."""
        (layer,) = self.layers
        if self.weight is not None:
            out = torch.addmm(rest, x, self.weight.T)
        else:
            out = torch.addmm(rest, x, layer.dense().T).addmm_(self._down(x), layer.lora_b.T)
        return out if self.bias is None else out.add_(self.bias)

    def pushed(self, grad: Tensor) -> Tensor:
        """Gradient of x A^T of all layers, [T, R], from that of the outputs, [T, o]."""
        out = grad.new_empty(len(grad), self.ranks[-1].stop)
        for layer, part, rank in self._each():
            torch.mm(grad[:, part], layer.lora_b, out=out[:, rank])
        return out.mul_(self.scale)

    def input_gradient(self, grad: Tensor, pushed: Tensor) -> Tensor:
        """Gradient of x, [T, i], from that of the outputs, [T, o], and what was `pushed`."""
        if self.weight is not None:
            return grad @ self.weight
        first, *others = zip(self.layers, self.outputs, strict=True)
        out = grad[:, first[1]] @ first[0].dense()
        for layer, part in others:
            out.addmm_(grad[:, part], layer.dense())
        return out.addmm_(pushed, self._all_a())

    def factor_gradients(self, x: Tensor, grad: Tensor, pushed: Tensor) -> list[Tensor]:
        """Gradients of A, [r, i], and B, [o, r], of each layer in turn.

        Args:
            x: [T, i].
            grad: [T, o].
            pushed: [T, R].
        """
        down, to_a = self._down(x), pushed.T @ x  # [R, i]
        found = []
        for _, part, rank in self._each():
            to_b = down[:, rank].T @ grad[:, part]  # [r, o]: faster than its transpose
            found += [to_a[rank], to_b.T]
        return found

    def _down(self, x: Tensor) -> Tensor:
        """Scaled x A^T of all layers, [T, R]."""
        return (x @ self._all_a().T).mul_(self.scale)

    def _all_a(self) -> Tensor:
        """A of all layers, one below the other, [R, i]."""
        every: list[Tensor] = [layer.lora_a for layer in self.layers]
        return torch.cat(every) if len(every) > 1 else every[0]

    def _each(self) -> Iterator[tuple[LoraLinear, slice, slice]]:
        return zip(self.layers, self.outputs, self.ranks, strict=True)


def _spans(sizes: Sequence[int]) -> list[slice]:
    spans, start = [], 0
    for size in sizes:
        spans.append(slice(start, start + size))
        start += size
    return spans
