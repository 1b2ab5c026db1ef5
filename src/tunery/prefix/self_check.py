"""A model on a forest against the same model by the plain computation, before it is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tunery.errors import UserError
from tunery.models.token_row import TokenRow
from tunery.prefix.cache import KeyValueCache
from tunery.prefix.forest import build_forest
from tunery.prefix.head import output_layer
from tunery.prefix.logprobs import target_logprobs
from tunery.prefix.states import hidden_states, next_states

MOST_ROWS = 4
"""Rows that are compared, the longest among them."""

MOST_TOKENS = 1024
"""Of a row; the plain computation holds scores of all its tokens against all."""

TOLERANCE = 1e-3
"""Largest difference of a log-probability that rounding in float32 explains."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was compared.

    Attributes:
        rows: Rows of the data.
        targets: Log-probabilities.
        difference: The largest, in nats.
    """

    rows: int
    targets: int
    difference: float


@torch.no_grad()
def compare_with_plain(network: Any, rows: Sequence[TokenRow]) -> Agreement:
    """Compares log-probabilities with those of transformers' eager attention.

    Each row also appears with the second half of another one, so that the forest branches. What
    would follow each row is compared too, its last token read through the cache of decoding.

    Args:
        network: Opened with `prefix.attention`, and left so.
        rows: Of the data, at least one.

    Raises:
        UserError: They differ by more than `TOLERANCE`, or the network does not take forests.
    """
    longest = max(rows, key=lambda row: len(row.ids))
    picked = [row.ids[:MOST_TOKENS] for row in [longest, *rows[: MOST_ROWS - 1]]]
    halves = zip(picked, picked[1:] + picked[:1], strict=True)
    crossed = [one[: len(one) // 2] + two[len(two) // 2 :] for one, two in halves]
    every = [TokenRow(ids, (0.0, *[1.0] * (len(ids) - 1))) for ids in picked + crossed]
    forest = build_forest(every, min_shared=1)
    own = torch.cat([target_logprobs(network, forest), _next(network, picked)])
    attention = network.config._attn_implementation
    network.set_attn_implementation("eager")
    try:
        logp = [_plain(network, row.ids) for row in every]
    finally:
        network.set_attn_implementation(attention)
    known = [
        found[:-1].gather(-1, torch.tensor(row.ids)[1:, None])[:, 0]
        for found, row in zip(logp, every, strict=True)
    ]
    plain = torch.cat([*known, *(one[-1] for one in logp[: len(picked)])])
    difference = float((own - plain).abs().max())
    if not difference <= TOLERANCE:
        raise UserError(
            f"On {len(picked)} rows of the data, log-probabilities of {type(network).__name__} on "
            f"a forest or in decoding differ by up to {difference:.2g} nats from the "
            f"plain computation; expected at most {TOLERANCE:g}.",
            "Tunery cannot train this model. Choose another: `tunery models list`.",
        )
    return Agreement(len(picked), len(own), difference)


def _next(network: Any, rows: Sequence[tuple[int, ...]]) -> Tensor:
    """Log-probabilities of what follows each row, one row after the other, [rows * V]."""
    cache = KeyValueCache()
    forest = build_forest([TokenRow(ids[:-1], (0.0,) * (len(ids) - 1)) for ids in rows])
    hidden_states(network, forest, cache=cache)
    cache.spread(forest.paths, 1)
    last = next_states(network, torch.tensor([ids[-1] for ids in rows]), cache)
    return output_layer(network).logits(last).log_softmax(dim=-1).flatten()


def _plain(network: Any, ids: tuple[int, ...]) -> Tensor:
    """Log-probabilities of what follows each token of a row, [n, V]."""
    logits: Tensor = network(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    return logits.float().log_softmax(dim=-1)
