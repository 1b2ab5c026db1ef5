"""A model on a forest against the same model by the plain computation, before it is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tunery.errors import UserError
from tunery.models.token_row import TokenRow
from tunery.prefix.forest import build_forest
from tunery.prefix.logprobs import target_logprobs

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
    """Compares log-probabilities on a forest with those of transformers' eager attention.

    Each row also appears with the second half of another one, so that the forest branches.

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
    own = target_logprobs(network, build_forest(every, min_shared=1))
    attention = network.config._attn_implementation
    network.set_attn_implementation("eager")
    try:
        plain = torch.cat([_plain(network, row.ids) for row in every])
    finally:
        network.set_attn_implementation(attention)
    difference = float((own - plain).abs().max())
    if not difference <= TOLERANCE:
        raise UserError(
            f"On {len(picked)} rows of the data, log-probabilities of {type(network).__name__} on "
            f"a prefix forest differ by up to {difference:.2g} nats from the plain computation; "
            f"expected at most {TOLERANCE:g}.",
            "Tunery cannot train this model. Choose another: `tunery models list`.",
        )
    return Agreement(len(picked), len(own), difference)


def _plain(network: Any, ids: tuple[int, ...]) -> torch.Tensor:
    """Log-probabilities of all tokens of a row but the first, [n - 1]."""
    logits = network(input_ids=torch.tensor([ids]), use_cache=False).logits[0, :-1].float()
    picked: torch.Tensor = logits.log_softmax(dim=-1).gather(-1, torch.tensor(ids)[1:, None])
    return picked[:, 0]
