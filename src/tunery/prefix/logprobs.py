"""Log-probabilities at the targets of a forest: all that a method of training needs.

Only hidden states that predict something reach the output layer, a chunk at a time, so memory does
not grow with vocabulary times tokens. The output layer is frozen, so the gradient of a target's
log-probability with regard to its hidden state h is known as soon as the softmax p is:

    d log p[y] / dh = W[y] - sum_v p[v] W[v]            W: [V, d], the output layer

`TargetLogprobs` keeps that vector ([M, d]) and neither logits nor softmax ([M, V]), and the
backward pass needs no second look at the vocabulary.

Shapes: T unique tokens, M targets, U hidden states with a target, d hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tunery.prefix.cache import KeyValueCache
from tunery.prefix.forest import Forest

CHUNK = 128
"""Hidden states sent through the output layer at once; V x CHUNK logits exist at a time."""


def target_logprobs(model: Any, forest: Forest) -> Tensor:
    """Log-probability of each target of a forest, differentiable.

    Args:
        model: A transformers causal language model opened by `models.load.open_model`, whose
            attention is `prefix.attention`. Its output layer must be frozen.
        forest: The rows.

    Returns:
        [M] float32, in the order of `forest.target_id`.
    """
    hidden = hidden_states(model, forest)
    used, owner = torch.unique(forest.target_index, return_inverse=True)
    out: Tensor = TargetLogprobs.apply(
        hidden[used], model.get_output_embeddings().weight, owner, forest.target_id
    )
    return out


def hidden_states(model: Any, forest: Forest, cache: KeyValueCache | None = None) -> Tensor:
    """Final hidden state of each unique token.

    Args:
        model: As in `target_logprobs`.
        forest: The rows.
        cache: Receives the keys and values of each layer.

    Returns:
        [T, d].
    """
    body = model.base_model
    output = body(
        input_ids=forest.input_ids[None],
        position_ids=forest.position_ids[None],
        use_cache=False,
        forest_nodes=forest.nodes,
        key_value_cache=cache,
    )
    states: Tensor = output.last_hidden_state[0]
    return states


class TargetLogprobs(torch.autograd.Function):
    """Log-probabilities of targets under a frozen output layer, in chunks."""

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
        score = hidden.new_empty(len(target))
        mean = torch.empty_like(hidden) if needs_grad else None  # sum_v p[v] W[v]
        for start in range(0, len(hidden), CHUNK):
            chunk = slice(start, min(start + CHUNK, len(hidden)))
            logits = hidden[chunk] @ weight.T  # [c, V]
            log_sum[chunk] = torch.logsumexp(logits, dim=-1)
            inside = ((owner >= chunk.start) & (owner < chunk.stop)).nonzero()[:, 0]
            score[inside] = logits[owner[inside] - chunk.start, target[inside]]
            if mean is not None:
                logits.sub_(log_sum[chunk, None]).exp_()
                torch.mm(logits, weight, out=mean[chunk])
        if mean is not None:
            ctx.save_for_backward(weight[target].sub_(mean[owner]), owner)  # [M, d]
            ctx.states = len(hidden)
        return score - log_sum[owner]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient with regard to the hidden states."""
        slope, owner = ctx.saved_tensors
        out = slope.new_zeros(ctx.states, slope.shape[1])
        return out.index_add_(0, owner, slope * grad[:, None]), None, None, None
