"""Log-probabilities at the targets of a forest: all that a method of training needs.

Only hidden states that predict something reach the output layer, a block of the vocabulary at a
time, so memory grows with neither vocabulary nor tokens. The output layer is frozen, so the
gradient of a target's log-probability with regard to its hidden state h is known as soon as the
softmax p is:

    d log p[y] / dh = W[y] - sum_v p[v] W[v]            W: [V, d], the output layer

`TargetLogprobs` keeps that vector ([M, d]) and neither logits nor softmax ([M, V]), and the
backward pass needs no second look at the vocabulary.

Shapes: T unique tokens, M targets, U hidden states with a target, d hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tunery.prefix.forest import Forest
from tunery.prefix.states import Trunk, hidden_states

CHUNK = 512
"""Hidden states sent through the output layer at once."""

BLOCK = 4096
"""Rows of the output layer computed at once; BLOCK x CHUNK scores exist at a time."""


def target_logprobs(model: Any, forest: Forest, trunk: Trunk | None = None) -> Tensor:
    """Log-probability of each target of a forest, differentiable.

    Args:
        model: A transformers causal language model opened by `models.load.open_model`, whose
            attention is `prefix.attention`. Its output layer must be frozen.
        forest: The rows.
        trunk: What the blocks below the first adapter made of these rows, if it is kept.

    Returns:
        [M] float32, in the order of `forest.target_id`.
    """
    hidden = hidden_states(model, forest, trunk=trunk)
    used, owner = torch.unique(forest.target_index, return_inverse=True)
    out: Tensor = TargetLogprobs.apply(
        hidden[used], model.get_output_embeddings().weight, owner, forest.target_id
    )
    return out


class TargetLogprobs(torch.autograd.Function):
    """Log-probabilities of targets under a frozen output layer, by blocks of the vocabulary.

    The softmax's denominator and the mean row of W under the softmax are carried from block to
    block and scaled to the highest score so far (Milakov and Gimelshein 2018, algorithm 3).
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, owner: Tensor, target: Tensor) -> Tensor:
        """Computes the log-probabilities and, if needed, their gradients.

        Args:
            ctx: Autograd's context.
            hidden: [U, d].
            weight: [V, d].
            owner: [M] int64, which hidden state predicts the target.
            target: [M] int64, token ids.

        Returns:
            [M].
        """
        needs_grad = ctx.needs_input_grad[0]
        log_sum = hidden.new_empty(len(hidden))
        mean = torch.empty_like(hidden) if needs_grad else None  # sum_v p[v] W[v]
        for start in range(0, len(hidden), CHUNK):
            chunk = slice(start, min(start + CHUNK, len(hidden)))
            log_sum[chunk] = _softmax(hidden[chunk], weight, None if mean is None else mean[chunk])
        wanted = weight[target]  # [M, d]
        score = (hidden[owner] * wanted).sum(dim=-1)
        if mean is not None:
            ctx.save_for_backward(wanted.sub_(mean[owner]), owner)
            ctx.states = len(hidden)
        return score - log_sum[owner]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient with regard to the hidden states."""
        slope, owner = ctx.saved_tensors
        out = slope.new_zeros(ctx.states, slope.shape[1])
        return out.index_add_(0, owner, slope * grad[:, None]), None, None, None


def _softmax(hidden: Tensor, weight: Tensor, mean: Tensor | None) -> Tensor:
    """Log of the softmax's denominator of each state, [c]; the mean row of W goes to `mean`.

    Args:
        hidden: [c, d].
        weight: [V, d].
        mean: [c, d], written; None if it is not needed.
    """
    columns = hidden.T.contiguous()  # the product W h^T runs faster than h W^T
    highest = hidden.new_full((len(hidden),), -torch.inf)
    total = torch.zeros_like(highest)
    if mean is not None:
        mean.zero_()
    for start in range(0, len(weight), BLOCK):
        rows = weight[start : start + BLOCK]
        scores = rows @ columns  # [block, c]
        higher = torch.maximum(highest, scores.amax(dim=0))
        shares = scores.sub_(higher).exp_()
        shrink = (highest - higher).exp_()
        total.mul_(shrink).add_(shares.sum(dim=0))
        if mean is not None:
            mean.mul_(shrink[:, None]).addmm_(shares.T, rows)
        highest = higher
    if mean is not None:
        mean.div_(total[:, None])
    return total.log_().add_(highest)
