"""Attention over a prefix forest, on a CPU.

A token sees its own node up to itself and all of its ancestors' nodes. Nodes lie in depth-first
order, so the tokens that see a whole node are exactly the ones that follow it up to the end of its
last descendant. Attention is therefore a sum of dense pieces, each a pair of slices:

    own    queries [start, end)  x keys [start, end), causal
    below  queries [end, below)  x keys [start, end), everything visible

Each piece runs torch's flash kernel, which also returns the log of the softmax denominator
(Dao et al. 2022, FlashAttention, algorithm 1). Two pieces of one query merge by those logs, and the
backward pass of a piece is exact when it is given the merged output and the merged log
(FlashAttention, appendix B.4: P = exp(S - logsumexp), D = rowsum(dO * O)). The backward pass cuts
the pieces anew, by blocks of keys: the kernel for a block itself, plain products for all later
ones.

Shapes: H query heads, G key-value heads (H a multiple of G), T tokens, D head dimension.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from tunery.errors import UserError
from tunery.prefix.attention_masked import Scoring, masked_attention
from tunery.prefix.cache import KeyValueCache
from tunery.prefix.forest import Node

NAME = "tunery_forest"
"""What a model's `attn_implementation` is called when it attends over a forest."""

BLOCK = 128
"""Keys that the backward pass takes at a time; bounds its memory to H x T x BLOCK scores."""

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def forest_attention(
    query: Tensor, key: Tensor, value: Tensor, nodes: tuple[Node, ...], scale: float
) -> Tensor:
    """Exact attention of each token over its own row.

    Args:
        query: [1, H, T, D].
        key: [1, G, T, D].
        value: [1, G, T, D].
        nodes: The forest's nodes; together they cover [0, T).
        scale: Factor on the scores.

    Returns:
        [1, H, T, D], stored as [1, T, H, D].
    """
    out: Tensor = _ForestAttention.apply(query, key, value, nodes, scale)
    return out


class _ForestAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, nodes: tuple[Node, ...], scale: float
    ) -> Tensor:
        _, heads, tokens, head_dim = query.shape
        out = query.new_empty(1, tokens, heads, head_dim).transpose(1, 2)
        log_sum = query.new_empty(1, tokens, heads).transpose(1, 2)
        for node in nodes:
            own = slice(node.start, node.end)
            out[:, :, own], log_sum[:, :, own] = _flash(
                query[:, :, own], key[:, :, own], value[:, :, own], 0.0, True, scale=scale
            )
        for node in nodes:
            if node.below > node.end:
                below, own = slice(node.end, node.below), slice(node.start, node.end)
                piece, piece_log = _flash(
                    query[:, :, below], key[:, :, own], value[:, :, own], 0.0, False, scale=scale
                )
                _merge(out[:, :, below], log_sum[:, :, below], piece, piece_log)
        ctx.save_for_backward(query, key, value, out, log_sum)
        ctx.nodes, ctx.scale = nodes, scale
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors  # once: blocks computed again hand them out a single time
        grads = [torch.empty_like(tensor) for tensor in saved[:3]]
        blocks = [
            (slice(start, min(start + BLOCK, node.end)), node.below)
            for node in ctx.nodes
            for start in range(node.start, node.end, BLOCK)
        ]
        for block, _ in blocks:  # every token is in one block: these writes fill the gradients
            for grad, part in zip(
                grads, _causal_backward(saved, grad_out, block, ctx.scale), strict=True
            ):
                grad[:, :, block] = part
        for block, below in blocks:
            if below > block.stop:
                asking = slice(block.stop, below)
                parts = _dense_backward(saved, grad_out, asking, block, ctx.scale)
                for grad, where, part in zip(grads, (asking, block, block), parts, strict=True):
                    grad[:, :, where] += part
        return *grads, None, None


def _causal_backward(
    saved: Sequence[Tensor], grad_out: Tensor, block: slice, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of a block's tokens seeing their own block, given the merged output and log."""
    query, key, value, out, log_sum = (tensor[:, :, block] for tensor in saved)
    parts: tuple[Tensor, Tensor, Tensor] = _flash_backward(
        grad_out[:, :, block], query, key, value, out, log_sum, 0.0, True, scale=scale
    )
    return parts


def _dense_backward(
    saved: Sequence[Tensor], grad_out: Tensor, asking: slice, block: slice, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of later tokens seeing the whole of a block: plain products.

    They run at the rate of large products, which the kernel's backward pass does not reach. The
    query heads of one key-value head become its queries: n = H / G * asking tokens.
    """
    query, key, value, out, log_sum = saved
    groups, dim = key.shape[1], key.shape[3]
    asked = query[0, :, asking].reshape(groups, -1, dim)  # [G, n, D]
    change = grad_out[0, :, asking].reshape(groups, -1, dim)
    answered = out[0, :, asking].reshape(groups, -1, dim)
    log = log_sum[0, :, asking].reshape(groups, -1, 1)
    keys, values = key[0, :, block], value[0, :, block]  # [G, k, D]
    shares = torch.bmm(asked, keys.transpose(1, 2)).mul_(scale).sub_(log).exp_()  # [G, n, k]
    grad_value = torch.bmm(shares.transpose(1, 2), change)
    mean = (change * answered).sum(dim=-1, keepdim=True)
    slope = torch.bmm(change, values.transpose(1, 2)).sub_(mean).mul_(shares).mul_(scale)
    grad_query = torch.bmm(slope, keys).view(query.shape[1], -1, dim)
    return grad_query[None], torch.bmm(slope.transpose(1, 2), asked)[None], grad_value[None]


def _merge(out: Tensor, log_sum: Tensor, piece: Tensor, piece_log: Tensor) -> None:
    """Adds a piece to what its queries have seen so far, in place.

    Args:
        out: [1, H, t, D], softmax-weighted mean of the values seen so far.
        log_sum: [1, H, t], log of its denominator.
        piece: [1, H, t, D], the same over the piece's keys.
        piece_log: [1, H, t].
    """
    merged = torch.logaddexp(log_sum, piece_log)
    out.mul_((log_sum - merged).exp_().unsqueeze(-1))
    out.addcmul_(piece, (piece_log - merged).exp_().unsqueeze(-1))
    log_sum.copy_(merged)


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Transformers' attention interface: [B, H, T, D] in, [B, T, H, D] out."""
    nodes: tuple[Node, ...] | None = kwargs.get("forest_nodes")
    cache: KeyValueCache | None = kwargs.get("key_value_cache")
    odd = [name for name in ("s_aux", "position_bias") if kwargs.get(name) is not None]
    odd += ["a mask"] * (attention_mask is not None) + ["dropout"] * (dropout > 0)
    if odd or (nodes is None and cache is None):
        raise UserError(
            f"{type(module).__name__} asks for attention with {', '.join(odd) or 'no forest'}, "
            "which the prefix forest does not compute.",
            "Choose another base model: `tunery models list`.",
        )
    scoring = Scoring(
        scale=query.shape[-1] ** -0.5 if scaling is None else scaling,
        window=kwargs.get("sliding_window") or None,
        softcap=kwargs.get("softcap"),
    )
    if nodes is None and cache is not None:
        return cache.attend(module.layer_idx, query, key, value, scoring), None
    if cache is not None:
        cache.keep(module.layer_idx, key, value)
    return _over_forest(query, key, value, nodes or (), scoring).transpose(1, 2), None


def _over_forest(
    query: Tensor, key: Tensor, value: Tensor, nodes: tuple[Node, ...], scoring: Scoring
) -> Tensor:
    """By the kernel where it is exact, by plain products elsewhere."""
    deepest = max(node.depth + node.end - node.start for node in nodes)
    plain = scoring.softcap is None and (scoring.window is None or scoring.window >= deepest)
    if plain and value.shape[-1] == query.shape[-1]:
        return forest_attention(query, key, value, nodes, scoring.scale)
    return masked_attention(query, key, value, nodes, scoring)


def _no_mask(*_args: Any, **_kwargs: Any) -> None:
    """The pieces are the mask."""


def register() -> None:
    """Makes `attn_implementation="tunery_forest"` known to transformers.

    The same name must be registered for masks: without it transformers builds a causal mask over
    the whole buffer.
    """
    AttentionInterface.register(NAME, _attend)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, _no_mask)
