"""Supervised fine-tuning: the assistant turns become likely."""

from __future__ import annotations

from torch import Tensor

from tunery.prefix.forest import Forest


def loss(logprobs: Tensor, forest: Forest) -> Tensor:
    """Weighted sum of negative log-likelihoods.

    It is a sum: the loop divides by the weight of the whole optimizer step, so that the way a step
    is cut into micro-batches cannot change the update.

    Args:
        logprobs: [M], log-probability of each target.
        forest: The rows that they came from.
    """
    return -(forest.target_weight * logprobs).sum()
