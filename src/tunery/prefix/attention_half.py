"""The attention half of a block as one operation, with its own backward pass.

    n = norm(x)    q, k, v = n Wqkv'^T    q, k rotated    y = x + attention(q, k, v) Wo'^T

Some families normalise each head of q and k before they are rotated (Qwen 3). Written as separate
operations it stores what every step makes; here x, the q, k, v that attention sees (with normalised
heads, those before) and attention's output are stored, and the rest is computed again.

Rotary embeddings (Su et al. 2021, equation 34) turn the pair (a, b) of elements j and j + D/2 of a
head by an angle: a cos - b sin, b cos + a sin. The gradient turns back.

Shapes: T tokens, d hidden size, H query heads, G key-value heads, D head dimension.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tunery.prefix.attention import attend
from tunery.prefix.attention_backward import attention_gradients
from tunery.prefix.forest import Node
from tunery.prefix.joined import Joined
from tunery.prefix.normed import Normed
from tunery.prefix.rms_norm import RmsNorm


@dataclass(frozen=True, slots=True, eq=False)
class AttentionHalf:
    """What the half consists of.

    Attributes:
        inward: Queries, keys and values, behind the block's norm.
        outward: The output product.
        heads: H.
        groups: G.
        head_dim: D.
        scale: Factor on the scores.
        head_norms: Of each head of q and of k; None where heads are left as they are.
    """

    inward: Normed
    outward: Joined
    heads: int
    groups: int
    head_dim: int
    scale: float
    head_norms: tuple[RmsNorm, RmsNorm] | None = None

    def __call__(self, x: Tensor, angles: tuple[Tensor, Tensor], nodes: tuple[Node, ...]) -> Tensor:
        """The block's state after this half.

        Args:
            x: [T, d].
            angles: Cosines and sines, [T, D / 2] each.
            nodes: The forest's nodes.
        """
        out: Tensor = _AttentionHalf.apply(x, angles, nodes, self, *self.factors)
        return out

    @property
    def factors(self) -> list[Tensor]:
        """A and B of all layers."""
        return [*self.inward.layers.factors, *self.outward.factors]

    def heads_of(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Views of q, k and v, [1, H or G, T, D], in rows of [T, (H + 2 G) D]."""
        laid = rows.view(len(rows), -1, self.head_dim).transpose(0, 1)[None]
        ends = (self.heads, self.heads + self.groups)
        return laid[:, : ends[0]], laid[:, ends[0] : ends[1]], laid[:, ends[1] :]

    def attended(self, rows: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        """What attention sees of rows of [T, (H + 2 G) D]: a copy where heads are normalised."""
        if self.head_norms is not None:
            rows = rows.clone()
            for part, norm in zip(self._normed(rows), self.head_norms, strict=True):
                part.copy_(norm.forward(part))
        self.rotate(rows, *angles)
        return rows

    def through(self, grad: Tensor, rows: Tensor, angles: tuple[Tensor, Tensor]) -> None:
        """Takes the gradient of what attention saw back to `rows`, in place."""
        self.rotate(grad, angles[0], -angles[1])
        if self.head_norms is not None:
            parts = zip(self._normed(grad), self._normed(rows), self.head_norms, strict=True)
            for pushed, part, norm in parts:
                norm.input_gradient(pushed, *norm.normalised(part))

    def _normed(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Views of q and k, [T, H or G, D]."""
        laid = rows.view(len(rows), -1, self.head_dim)
        return laid[:, : self.heads], laid[:, self.heads : self.heads + self.groups]

    def rotate(self, rows: Tensor, cos: Tensor, sin: Tensor) -> None:
        """Turns the queries and keys in rows of [T, (H + 2 G) D], in place."""
        turned = rows.view(len(rows), -1, 2, self.head_dim // 2)[:, : self.heads + self.groups]
        a, b = turned[:, :, 0], turned[:, :, 1]
        cos, sin = cos[:, None], sin[:, None]
        kept = a * sin
        a.mul_(cos).addcmul_(b, sin, value=-1)
        b.mul_(cos).add_(kept)


class _AttentionHalf(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        angles: tuple[Tensor, Tensor],
        nodes: tuple[Node, ...],
        half: AttentionHalf,
        *_factors: Tensor,
    ) -> Tensor:
        rows = half.inward.forward(x)
        seen = half.attended(rows, angles)
        out, log_sum = attend(*half.heads_of(seen), nodes, half.scale)
        ctx.save_for_backward(x, rows, out, log_sum)
        ctx.half, ctx.angles, ctx.nodes = half, angles, nodes
        return half.outward.added_to(x, out.transpose(1, 2).reshape(len(x), -1))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, rows, out, log_sum = ctx.saved_tensors
        half: AttentionHalf = ctx.half
        grad = grad.contiguous()
        answered = out.transpose(1, 2).reshape(len(x), -1)
        pushed = half.outward.pushed(grad)
        outward = half.outward.factor_gradients(answered, grad, pushed)
        to_out = half.outward.input_gradient(grad, pushed).view(len(x), half.heads, -1)
        to_rows = torch.empty_like(rows)
        seen = rows if half.head_norms is None else half.attended(rows, ctx.angles)
        saved = (*half.heads_of(seen), out, log_sum)
        attention_gradients(
            saved, to_out.transpose(0, 1)[None], ctx.nodes, half.scale, half.heads_of(to_rows)
        )
        half.through(to_rows, rows, ctx.angles)
        to_x, inward = half.inward.gradients(x, to_rows, grad, wanted=ctx.needs_input_grad[0])
        return to_x, None, None, None, *inward, *outward
