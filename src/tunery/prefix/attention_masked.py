"""Attention over a prefix forest by plain products, for what the flash kernel does not compute.

Used where a layer looks back over a sliding window shorter than the row, caps its scores (Gemma 2),
or has values of another width than its keys. Queries are taken in blocks of one node; the keys that
a block can see are the end of its path, gathered from its ancestors, so work and memory grow with
the window and not with the row. Scores are computed again in the backward pass.

    u = s q k^T        z = c tanh(u / c)        seen: depth(q) - w < depth(k) <= depth(q)

Shapes: H query heads, G key-value heads (H a multiple of G), T tokens, D width of a key, E width of
a value, q queries and k keys of a block, n = q H / G.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tunery.prefix.forest import Node

BLOCK = 256
"""Queries taken at a time; bounds the scores to H x BLOCK x (window + BLOCK)."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """How a layer turns products of queries and keys into scores.

    Attributes:
        scale: s, factor on the products.
        window: w, tokens that a query sees, itself included; None for the whole row.
        softcap: c, beyond which no score goes; None if nothing is capped.
    """

    scale: float
    window: int | None = None
    softcap: float | None = None


def masked_attention(
    query: Tensor, key: Tensor, value: Tensor, nodes: tuple[Node, ...], scoring: Scoring
) -> Tensor:
    """Exact attention of each token over what its layer lets it see of its row.

    Args:
        query: [1, H, T, D].
        key: [1, G, T, D].
        value: [1, G, T, E].
        nodes: The forest's nodes; together they cover [0, T).
        scoring: Scale, window and cap.

    Returns:
        [1, H, T, E], stored as [1, T, H, E].
    """
    out: Tensor = _MaskedAttention.apply(query, key, value, nodes, scoring)
    return out


def finish(products: Tensor, scoring: Scoring) -> Tensor:
    """Scales and caps products of queries and keys, in place."""
    products.mul_(scoring.scale)
    if scoring.softcap is not None:
        products.div_(scoring.softcap).tanh_().mul_(scoring.softcap)
    return products


@dataclass(frozen=True, slots=True)
class _Block:
    """Queries of one node and what they may see.

    Attributes:
        asking: The queries.
        seen: [k] int64, tokens that at least one of them sees, by depth.
        hidden: [q, k] bool, true where a query does not see a token.
    """

    asking: slice
    seen: Tensor
    hidden: Tensor


class _MaskedAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        nodes: tuple[Node, ...],
        scoring: Scoring,
    ) -> Tensor:
        _, heads, tokens, _ = query.shape
        groups = key.shape[1]
        out = query.new_empty(1, tokens, heads, value.shape[3]).transpose(1, 2)
        log_sum = query.new_empty(1, heads, tokens)
        for block in _blocks(nodes, scoring.window):
            scores = _scores(query, key, block, scoring)  # [G, n, k]
            log = scores.logsumexp(dim=-1)  # [G, n]
            shares = scores.sub_(log[..., None]).exp_()
            answer = torch.bmm(shares, value[0, :, block.seen])
            out[0, :, block.asking] = answer.view(heads, -1, value.shape[3])
            log_sum[0, :, block.asking] = log.view(heads, -1)
        ctx.save_for_backward(query, key, value, out, log_sum)
        ctx.nodes, ctx.scoring, ctx.groups = nodes, scoring, groups
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, _, _ = ctx.saved_tensors
        grads = [torch.zeros_like(tensor) for tensor in (query, key, value)]
        for block in _blocks(ctx.nodes, ctx.scoring.window):
            parts = _block_backward(ctx, grad_out, block)
            grads[0][0, :, block.asking] = parts[0]
            grads[1][0].index_add_(1, block.seen, parts[1])
            grads[2][0].index_add_(1, block.seen, parts[2])
        return *grads, None, None


def _block_backward(ctx: Any, grad_out: Tensor, block: _Block) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the queries [H, q, D], keys [G, k, D] and values [G, k, E] of a block.

    As in FlashAttention (Dao et al. 2022, appendix B.4), with dz/du = 1 - (z / c)^2 where scores
    are capped.
    """
    query, key, value, out, log_sum = ctx.saved_tensors
    scoring: Scoring = ctx.scoring
    groups, asking = ctx.groups, block.asking
    asked = query[0, :, asking].reshape(groups, -1, query.shape[3])  # [G, n, D]
    change = grad_out[0, :, asking].reshape(groups, -1, value.shape[3])  # [G, n, E]
    answered = out[0, :, asking].reshape(groups, -1, value.shape[3])
    log = log_sum[0, :, asking].reshape(groups, -1, 1)
    scores = _scores(query, key, block, scoring)  # [G, n, k]
    shares = torch.exp(scores - log)
    grad_value = torch.bmm(shares.transpose(1, 2), change)
    mean = (change * answered).sum(dim=-1, keepdim=True)
    slope = torch.bmm(change, value[0, :, block.seen].transpose(1, 2)).sub_(mean).mul_(shares)
    if scoring.softcap is not None:
        capped = scores.masked_fill_(scores.isneginf(), 0).div_(scoring.softcap)
        slope.mul_(capped.square_().neg_().add_(1))
    slope.mul_(scoring.scale)
    grad_query = torch.bmm(slope, key[0, :, block.seen]).view(query.shape[1], -1, query.shape[3])
    return grad_query, torch.bmm(slope.transpose(1, 2), asked), grad_value


def _scores(query: Tensor, key: Tensor, block: _Block, scoring: Scoring) -> Tensor:
    """Scores of a block, [G, n, k]; minus infinity where nothing is seen."""
    groups, dim = key.shape[1], query.shape[3]
    asked = query[0, :, block.asking].reshape(groups, -1, dim)
    scores = finish(torch.bmm(asked, key[0, :, block.seen].transpose(1, 2)), scoring)
    by_head = scores.view(groups, -1, *block.hidden.shape)
    return by_head.masked_fill_(block.hidden, -torch.inf).view_as(scores)


def _blocks(nodes: tuple[Node, ...], window: int | None) -> Iterator[_Block]:
    """Cuts the queries of all nodes into blocks; a node's path holds its ancestors."""
    path = torch.empty(0, dtype=torch.int64)  # tokens of the row so far, by depth
    for node in nodes:  # depth-first: what is above a node was the path before it
        path = torch.cat([path[: node.depth], torch.arange(node.start, node.end)])
        for start in range(node.start, node.end, BLOCK):
            stop = min(start + BLOCK, node.end)
            first, last = node.depth + start - node.start, node.depth + stop - node.start
            lowest = 0 if window is None else max(0, first - window + 1)
            asking = torch.arange(first, last)[:, None]
            seen = torch.arange(lowest, last)
            hidden = seen > asking
            if window is not None:
                hidden |= seen <= asking - window
            yield _Block(slice(start, stop), path[lowest:last], hidden)
