"""Prompts to new tokens, many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from tunery.models.token_row import TokenRow
from tunery.prefix.cache import KeyValueCache
from tunery.prefix.forest import build_forest
from tunery.prefix.head import output_layer
from tunery.prefix.states import hidden_states, next_states

COMPACT_BELOW = 0.75
"""Finished rows are dropped from the batch once this share of it is left."""


def decode(
    network: Any,
    prompts: Sequence[Sequence[int]],
    room: int,
    choose: Callable[[Tensor], Tensor],
    finished: Callable[[int, int], bool],
) -> Iterator[None]:
    """Writes token after token until every row is finished; yields after each token.

    Args:
        network: Attends by `prefix.attention`.
        prompts: Token ids, none empty; a shared prefix is computed once.
        room: New tokens that a row gets at most.
        choose: Logits [B, V] to tokens [B].
        finished: Told (index of the prompt, new token); true if its row is done.
    """
    cache, head = KeyValueCache(), output_layer(network)
    forest = build_forest([TokenRow(tuple(p), (0.0,) * len(p)) for p in prompts])
    with torch.inference_mode():
        hidden = hidden_states(network, forest, cache=cache)
        last = hidden[torch.stack([path[-1] for path in forest.paths])]  # [B, d]
        cache.spread(forest.paths, room)
        rows = list(range(len(prompts)))  # prompt of each row of the batch
        done = [False] * len(prompts)
    while True:
        with torch.inference_mode():
            tokens = choose(head.logits(last))
            for row, token in zip(rows, tokens.tolist(), strict=True):
                done[row] = done[row] or finished(row, token)
        yield
        left = [place for place, row in enumerate(rows) if not done[row]]
        if not left:
            return
        with torch.inference_mode():
            if len(left) <= COMPACT_BELOW * len(rows):
                keep = torch.tensor(left)
                cache.select(keep)
                tokens, rows = tokens[keep], [rows[place] for place in left]
            last = next_states(network, tokens, cache)
