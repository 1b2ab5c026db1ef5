"""The backward pass of attention over a forest, as plain products.

It is cut anew, by chunks of `CHUNK` neighbouring tokens, whatever nodes they are in:

    local   queries of a chunk x keys of the same chunk, under a mask; all chunks in one product
    dense   keys of one node x later queries that all see them, from the next chunk on

With the merged output O and the merged log L of the forward pass, each piece is exact by itself and
the pieces add up (Dao et al. 2022, FlashAttention, appendix B.4):

    P = exp(S - L)    dV = P^T dO    dS = P (dO V^T - rowsum(dO O))    dQ = dS K    dK = dS^T Q

Powers of two take the place of powers of e: torch gives `exp` to a library that needs a hundred
times as long where the result is too small for a float.

Shapes: H query heads, G key-value heads, R = H / G, T tokens, N tokens up to a whole chunk, D head
dimension. A query group's tensors are laid out as [G, N, R, D], so that the queries of a span of
tokens are rows that follow each other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from tunery.prefix.forest import Node

CHUNK = 64
"""Tokens whose own scores are computed at once, most of them behind the mask in vain."""

MOST_KEYS = 256
"""Keys of a dense piece."""

MOST_SCORES = 2**21
"""Scores of a dense piece, over all heads: bounds its memory."""

LOG2_E = math.log2(math.e)


@dataclass(frozen=True, slots=True)
class Piece:
    """Keys [start, end) that every query of [first, last) sees."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Cover:
    """How the pairs of queries and keys of a forest are covered, each once.

    Attributes:
        hidden: [chunks, CHUNK, CHUNK], minus infinity where a query does not see a key of its
            chunk, 0 where it does.
        pieces: All pairs beyond one chunk.
    """

    hidden: Tensor
    pieces: tuple[Piece, ...]


@lru_cache(maxsize=4)
def cover(nodes: tuple[Node, ...], heads: int) -> Cover:
    """Covers a forest. The blocks of a model ask one after the other, so it is kept for a while."""
    chunks = -(-nodes[-1].end // CHUNK)
    below = torch.zeros(chunks * CHUNK, dtype=torch.int64)
    for node in nodes:
        below[node.start : node.end] = node.below
    place = torch.arange(chunks * CHUNK).view(chunks, CHUNK)
    asking, asked = place[:, :, None], place[:, None, :]
    seen = (asking >= asked) & (below.view(chunks, 1, CHUNK) > asking)
    hidden = torch.zeros(seen.shape).masked_fill_(~seen, -torch.inf)
    return Cover(hidden, tuple(piece for node in nodes for piece in _pieces_of(node, heads)))


def _pieces_of(node: Node, heads: int) -> Iterator[Piece]:
    """Pairs of a node's keys with queries of later chunks: its descendants' and its own."""
    low, high = node.start // CHUNK, -(-node.end // CHUNK)
    yield from _split(node, (low, high), (high * CHUNK, node.below), heads)
    spans = [(low, high)]
    while spans:
        low, high = spans.pop()
        if high - low > 1:
            middle = (low + high + 1) // 2
            last = min(high * CHUNK, node.below)
            yield from _split(node, (low, middle), (middle * CHUNK, last), heads)
            spans += [(low, middle), (middle, high)]


def _split(
    node: Node, chunks: tuple[int, int], queries: tuple[int, int], heads: int
) -> Iterator[Piece]:
    """Keys of a node in a span of chunks with a span of queries, cut to bounded pieces."""
    first, last = queries
    start, end = max(node.start, chunks[0] * CHUNK), min(node.end, chunks[1] * CHUNK)
    if last <= first or end <= start:
        return
    for key in range(start, end, MOST_KEYS):
        stop = min(end, key + MOST_KEYS)
        parts = -(-(last - first) * (stop - key) * heads // MOST_SCORES)
        step = -(-(last - first) // parts)
        for query in range(first, last, step):
            yield Piece(key, stop, query, min(last, query + step))


def attention_gradients(
    saved: tuple[Tensor, Tensor, Tensor, Tensor, Tensor],
    grad_out: Tensor,
    nodes: tuple[Node, ...],
    scale: float,
    grads: tuple[Tensor, Tensor, Tensor],
) -> None:
    """Writes the gradients of queries, keys and values.

    Args:
        saved: Of the forward pass: queries, [1, H, T, D], keys and values, [1, G, T, D], the merged
            output, [1, H, T, D], and the merged log of the softmax's denominator, [1, H, T].
        grad_out: [1, H, T, D].
        nodes: The forest's nodes.
        scale: Factor on the scores.
        grads: Of the shapes of queries, keys and values; overwritten.
    """
    query, key, value, out, log_sum = saved
    groups, tokens, dim = key.shape[1:]
    covered = cover(nodes, query.shape[1])
    chunks = len(covered.hidden)
    shape = (groups, chunks * CHUNK, query.shape[1] // groups)
    asked = _grouped(query, *shape).mul_(scale * LOG2_E)  # scores in powers of two
    change = _grouped(grad_out, *shape)
    mean = _grouped((grad_out * out).sum(dim=-1, keepdim=True), *shape)
    log = _grouped(log_sum.unsqueeze(-1), *shape).mul_(LOG2_E)
    keys, values = _grouped(key, *shape[:2], 1)[:, :, 0], _grouped(value, *shape[:2], 1)[:, :, 0]

    def local(tensor: Tensor) -> Tensor:
        return tensor.reshape(groups * chunks, -1, tensor.shape[-1])

    def rows(tensor: Tensor) -> Tensor:
        return tensor.view(groups, -1, tensor.shape[-1])

    shares = torch.bmm(local(asked), local(keys).transpose(1, 2))  # [G c, CHUNK R, CHUNK]
    shares.view(groups, chunks, CHUNK, -1, CHUNK).add_(covered.hidden[None, :, :, None])
    shares.sub_(local(log)).exp2_()
    grad_value = rows(torch.bmm(shares.transpose(1, 2), local(change)).view_as(values))
    slope = torch.bmm(local(change), local(values).transpose(1, 2))
    slope.sub_(local(mean)).mul_(shares)
    grad_query = torch.bmm(slope, local(keys)).view_as(asked)
    grad_key = rows(torch.bmm(slope.transpose(1, 2), local(asked)).view_as(keys))

    repeats = shape[2]
    asked, change, mean, log = rows(asked), rows(change), rows(mean), rows(log)
    query_rows = rows(grad_query)
    for piece in covered.pieces:
        own, later = (
            slice(piece.start, piece.end),
            slice(piece.first * repeats, piece.last * repeats),
        )
        shares = (
            torch.bmm(asked[:, later], keys[:, own].transpose(1, 2)).sub_(log[:, later]).exp2_()
        )
        grad_value[:, own].baddbmm_(shares.transpose(1, 2), change[:, later])
        slope = torch.bmm(change[:, later], values[:, own].transpose(1, 2))
        slope.sub_(mean[:, later]).mul_(shares)
        query_rows[:, later].baddbmm_(slope, keys[:, own])
        grad_key[:, own].baddbmm_(slope.transpose(1, 2), asked[:, later])
    to_query, to_key, to_value = (grad[0] for grad in grads)
    wide = to_query.view(groups, repeats, tokens, dim)
    torch.mul(grad_query[:, :tokens].transpose(1, 2), scale, out=wide)
    torch.div(grad_key[:, :tokens], LOG2_E, out=to_key)
    to_value.copy_(grad_value[:, :tokens])


def _grouped(tensor: Tensor, groups: int, padded: int, repeats: int) -> Tensor:
    """Copies [1, G R, T, D] to [G, padded, R, D], zeros behind the last token."""
    tokens, dim = tensor.shape[2:]
    laid = tensor.new_empty(groups, padded, repeats, dim)
    laid[:, tokens:] = 0
    laid[:, :tokens] = tensor[0].view(groups, repeats, tokens, dim).transpose(1, 2)
    return laid
