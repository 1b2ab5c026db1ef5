"""Attention over a prefix forest, on a CPU.

A token sees its own node up to itself and all of its ancestors' nodes. Nodes lie in depth-first
order, so the tokens that see a whole node are exactly the ones that follow it up to the end of its
last descendant. Attention is therefore a sum of dense pieces, each a pair of slices:

    own    queries [start, end)  x keys [start, end), causal
    below  queries [end, below)  x keys [start, end), everything visible

Each piece runs torch's flash kernel, which also returns the log of the softmax denominator
(Dao et al. 2022, FlashAttention, algorithm 1). Two pieces of one query merge by those logs; the
backward pass (`prefix.attention_backward`) needs nothing but the merged output and log.

Shapes: H query heads, G key-value heads (H a multiple of G), T tokens, D head dimension.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from tunery.errors import UserError
from tunery.prefix.attention_backward import attention_gradients
from tunery.prefix.attention_masked import Scoring, masked_attention
from tunery.prefix.cache import KeyValueCache
from tunery.prefix.forest import Node

NAME = "tunery_forest"
"""What a model's `attn_implementation` is called when it attends over a forest."""

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


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
        out, log_sum = attend(query, key, value, nodes, scale)
        ctx.save_for_backward(query, key, value, out, log_sum)
        ctx.nodes, ctx.scale = nodes, scale
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors  # once: blocks computed again hand them out a single time
        grads = (torch.empty_like(saved[0]), torch.empty_like(saved[1]), torch.empty_like(saved[2]))
        attention_gradients(saved, grad_out, ctx.nodes, ctx.scale, grads)
        return *grads, None, None


def attend(
    query: Tensor, key: Tensor, value: Tensor, nodes: tuple[Node, ...], scale: float
) -> tuple[Tensor, Tensor]:
    """Attention as `forest_attention`, without a gradient.

    Returns:
        The output, [1, H, T, D] stored as [1, T, H, D], and the log of the softmax's denominator,
        [1, H, T].
    """
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
    return out, log_sum


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
