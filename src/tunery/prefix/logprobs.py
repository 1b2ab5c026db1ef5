"""Log-probabilities at the targets of a forest: all that a method of training needs.

Only hidden states that predict something reach the output layer, a block of the vocabulary at a
time, so memory grows with neither vocabulary nor tokens. With logits z = c tanh(u / c),
u = s (h W^T + b) (see `prefix.head`) and g = dz/du, the gradient of a target's log-probability
with regard to its hidden state h is known as soon as the softmax p is:

    d log p[y] / dh = s (g[y] W[y] - sum_v p[v] g[v] W[v])            W: [V, d], the output layer

`TargetLogprobs` keeps that vector ([M, d]) and neither logits nor softmax ([M, V]), and the
backward pass needs no second look at the vocabulary. Only where the output layer itself is trained
the backward pass computes the logits once more, by the same blocks:

    d log p[y] / dW[v] = s g[v] (1 if v is y else 0 - p[v]) h         db[v]: the same without h

Shapes: T unique tokens, M targets, U hidden states with a target, d hidden size, V vocabulary.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from tunery.prefix.forest import Forest
from tunery.prefix.head import OutputLayer, output_layer
from tunery.prefix.states import Trunk, hidden_states

CHUNK = 512
"""Hidden states sent through the output layer at once."""

LOG2_E = math.log2(math.e)

BLOCK = 4096
"""Rows of the output layer computed at once; BLOCK x CHUNK scores exist at a time."""


def target_logprobs(model: Any, forest: Forest, trunk: Trunk | None = None) -> Tensor:
    """Log-probability of each target of a forest, differentiable.

    Args:
        model: A transformers causal language model opened by `models.load.open_model`, whose
            attention is `prefix.attention`.
        forest: The rows.
        trunk: What the blocks below the first adapter made of these rows, if it is kept.

    Returns:
        [M] float32, in the order of `forest.target_id`.
    """
    used, owner = torch.unique(forest.target_index, return_inverse=True)
    hidden = hidden_states(model, forest, wanted=used, trunk=trunk)
    return logprobs(hidden, output_layer(model), owner, forest.target_id)


def logprobs(hidden: Tensor, head: OutputLayer, owner: Tensor, target: Tensor) -> Tensor:
    """Log-probabilities of targets, differentiable in hidden states and output layer.

    Args:
        hidden: [U, d].
        head: The output layer; its weight and bias get gradients if they require them.
        owner: [M] int64, which hidden state predicts the target.
        target: [M] int64, token ids.

    Returns:
        [M].
    """
    out: Tensor = TargetLogprobs.apply(hidden, head.weight, head.bias, head, owner, target)
    return out


class TargetLogprobs(torch.autograd.Function):
    """Log-probabilities of targets, by blocks of the vocabulary.

    The softmax's denominator and the mean row of W under the softmax are carried from block to
    block and scaled to the highest score so far (Milakov and Gimelshein 2018, algorithm 3).
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        head: OutputLayer,
        owner: Tensor,
        target: Tensor,
    ) -> Tensor:
        """Computes the log-probabilities and, if needed, their gradients; see `logprobs`."""
        needs_grad, trains_head = ctx.needs_input_grad[0], any(ctx.needs_input_grad[1:3])
        log_sum = hidden.new_empty(len(hidden))
        mean = torch.empty_like(hidden) if needs_grad else None  # sum_v p[v] g[v] W[v]
        for part in _spans(len(hidden), CHUNK):
            log_sum[part] = _softmax(hidden[part], head, None if mean is None else mean[part])
        wanted = weight[target]  # [M, d]
        score = (hidden[owner] * wanted).sum(dim=-1)
        score = head.finish(score if bias is None else score.add_(bias[target]))
        gain = head.slope(score)  # [M]
        slope = None
        if mean is not None:
            slope = wanted if gain is None else wanted.mul_(gain[:, None])
            slope.sub_(mean[owner]).mul_(head.scale)
        ctx.save_for_backward(slope, owner, *((hidden, target, log_sum) if trains_head else ()))
        ctx.head, ctx.gain, ctx.states = head, gain, len(hidden)
        return score - log_sum[owner]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients with regard to the hidden states, the output layer's weight and its bias."""
        slope, owner, *kept = ctx.saved_tensors
        to_hidden = None
        if slope is not None:
            to_hidden = slope.new_zeros(ctx.states, slope.shape[1])
            to_hidden.index_add_(0, owner, slope * grad[:, None])
        weight, bias = _head_gradients(ctx, grad, owner, *kept) if kept else (None, None)
        return to_hidden, weight, bias, None, None, None


def _softmax(hidden: Tensor, head: OutputLayer, mean: Tensor | None) -> Tensor:
    """Log of the softmax's denominator of each state, [c]; sum_v p[v] g[v] W[v] goes to `mean`.

    Args:
        hidden: [c, d].
        head: Of V rows.
        mean: [c, d], written; None if it is not needed.
    """
    columns = hidden.T.contiguous()  # the product W h^T runs faster than h W^T
    highest = hidden.new_full((len(hidden),), -torch.inf)
    total = torch.zeros_like(highest)
    if mean is not None:
        mean.zero_()
    for rows in _spans(len(head.weight), BLOCK):
        scores = _scores(head, rows, columns)
        gain = head.slope(scores)
        higher = torch.maximum(highest, scores.amax(dim=0))
        shares = scores.sub_(higher).mul_(LOG2_E).exp2_()  # see `prefix.attention_backward`
        shrink = (highest - higher).exp_()
        total.mul_(shrink).add_(shares.sum(dim=0))
        if mean is not None:
            felt = shares if gain is None else shares.mul_(gain)
            mean.mul_(shrink[:, None]).addmm_(felt.T, head.weight[rows])
        highest = higher
    if mean is not None:
        mean.div_(total[:, None])
    return total.log_().add_(highest)


def _scores(head: OutputLayer, rows: slice, columns: Tensor) -> Tensor:
    """Logits of some rows of the vocabulary, [v, c], for the states in `columns`, [d, c]."""
    products = head.weight[rows] @ columns
    if head.bias is not None:
        products += head.bias[rows, None]
    return head.finish(products)


def _head_gradients(
    ctx: Any, grad: Tensor, owner: Tensor, hidden: Tensor, target: Tensor, log_sum: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of the output layer's weight, [V, d], and bias, [V].

    Args:
        ctx: Of the forward pass.
        grad: [M].
        owner: [M] int64.
        hidden: [U, d].
        target: [M] int64.
        log_sum: [U], log of the softmax's denominator.
    """
    head: OutputLayer = ctx.head
    weight = torch.zeros_like(head.weight) if ctx.needs_input_grad[1] else None
    bias = head.weight.new_zeros(len(head.weight)) if ctx.needs_input_grad[2] else None
    own = (grad if ctx.gain is None else grad * ctx.gain) * head.scale  # [M]
    if weight is not None:
        weight.index_add_(0, target, hidden[owner] * own[:, None])
    if bias is not None:
        bias.index_add_(0, target, own)
    push = grad.new_zeros(len(hidden)).index_add_(0, owner, grad).mul_(head.scale)  # [U]
    for part in _spans(len(hidden), CHUNK):
        columns = hidden[part].T.contiguous()
        for rows in _spans(len(head.weight), BLOCK):
            scores = _scores(head, rows, columns)  # [v, c]
            gain = head.slope(scores)
            felt = scores.sub_(log_sum[part]).exp_().mul_(push[part])
            if gain is not None:
                felt.mul_(gain)
            if weight is not None:
                weight[rows].addmm_(felt, hidden[part], alpha=-1)
            if bias is not None:
                bias[rows] -= felt.sum(dim=1)
    return weight, bias


def _spans(length: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, length)) for start in range(0, length, size)]
