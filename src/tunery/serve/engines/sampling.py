"""Logits to the next tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from tunery.serve.engine import Sampling


def next_tokens(logits: Tensor, sampling: Sampling, generator: torch.Generator) -> Tensor:
    """Chooses one token a row.

    Args:
        logits: [B, V].
        sampling: Temperature 0 takes the most likely token; ties go to the lowest id.
        generator: Source of chance.

    Returns:
        [B] int64.
    """
    if sampling.temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.double() / sampling.temperature, dim=-1)
    if sampling.top_p < 1:
        ordered, index = probabilities.sort(dim=-1, descending=True)
        before = ordered.cumsum(dim=-1) - ordered  # mass of the more likely tokens
        ordered[before >= sampling.top_p] = 0  # the most likely token has none before it: it stays
        probabilities = torch.zeros_like(probabilities).scatter_(-1, index, ordered)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]


def new_generator(seed: int | None) -> torch.Generator:
    """A source of chance, repeatable if a seed is given."""
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
