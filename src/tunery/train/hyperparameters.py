"""What `auto` stands for in a run's configuration, and why: pure functions, one rule each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tunery.config.method import MethodSection
from tunery.config.train import TrainSection
from tunery.data.epochs import epochs
from tunery.models.token_row import TokenRow
from tunery.prefix.targets import chosen_blocks, chosen_layers
from tunery.train.plan import Choice

BATCH_SHARE, SMALLEST_BATCH, LARGEST_BATCH = 0.002, 8, 256

LORA_RATES = (2e-4, 1e-3)
"""Lowest and highest base rate of LoRA."""

RATE_PARAMETERS = 5e8
"""Up to this many weights a model gets the highest base rate."""

RANKS = (16, 32, 64, 128, 256)
BITS_A_WEIGHT, BITS_A_TOKEN = 2.0, 1.0


def resolve(
    network: Any, rows: Sequence[TokenRow], method: MethodSection, settings: TrainSection
) -> tuple[MethodSection, TrainSection, tuple[Choice, ...]]:
    """Replaces every `auto`, and multiplies the learning rate by its multiplier.

    Args:
        network: The base model, before it gets adapters.
        rows: The training rows.
        method: What is trained, its targets named.
        settings: How.

    Returns:
        Both sections with numbers in place of `auto`, the multiplier 1; and what was chosen.

    Raises:
        UserError: Targets or blocks are not those of the model.
    """
    numbers: dict[str, Any] = {"learning_rate_multiplier": 1.0}
    choices: list[Choice] = []

    def choose(key: str, found: tuple[float, str], text: str) -> float:
        choices.append(Choice(key, text, found[1]))
        return found[0]

    if settings.epochs == "auto":
        found = epochs(len(rows))
        numbers["epochs"] = choose("train.epochs", found, str(found[0]))
    if settings.batch_size == "auto":
        found = batch_size(len(rows))
        numbers["batch_size"] = choose("train.batch_size", found, str(found[0]))
    factor = settings.learning_rate_multiplier
    if settings.learning_rate == "auto":
        size = sum(parameter.numel() for parameter in network.parameters())
        rate, why = lora_rate(size) if method.kind == "lora" else full_rate(size)
        if factor != 1:
            why = f"{why}; times train.learning_rate_multiplier, {factor:g}"
        numbers["learning_rate"] = choose(
            "train.learning_rate", (rate * factor, why), f"{rate * factor:.3g}"
        )
    else:
        numbers["learning_rate"] = settings.learning_rate * factor
    if method.rank == "auto" and method.kind == "lora":
        count = network.config.get_text_config().num_hidden_layers
        blocks = chosen_blocks(count, method.blocks, method.last_blocks)
        names = chosen_layers(network, method.targets or (), blocks)
        weights = sum(sum(network.get_submodule(name).weight.shape) for name in names)
        found = rank(sum(row.supervised for row in rows), weights)
        method = method.model_copy(update={"rank": choose("method.rank", found, str(found[0]))})
    return method, settings.model_copy(update=numbers), tuple(choices)


def batch_size(rows: int) -> tuple[int, str]:
    """Rows in a step: 0.2 % of all and at most 256, as OpenAI's first fine-tuning API chose it.

    Its smallest step was one row. Ours has eight, because only rows of one step share what they
    begin with.
    """
    share = round(BATCH_SHARE * rows)
    chosen = min(rows, LARGEST_BATCH, max(SMALLEST_BATCH, share))
    return chosen, (f"0.2 % of {rows} rows, at least {SMALLEST_BATCH}, at most {LARGEST_BATCH}")


def lora_rate(parameters: int) -> tuple[float, str]:
    """Base learning rate of LoRA, our own rule: 1e-3 up to half a billion weights.

    Above, it falls with the root of their number, to 2e-4. The best rate of LoRA depends little on
    its rank (Schulman et al. 2025, "LoRA Without Regret").
    """
    lowest, highest = LORA_RATES
    rate = highest * min(1.0, math.sqrt(RATE_PARAMETERS / parameters))
    rate = float(f"{max(lowest, rate):.2g}")
    return rate, f"LoRA on a model of {parameters / 1e6:,.0f} million weights"


def full_rate(parameters: int) -> tuple[float, str]:
    """Base learning rate of full fine-tuning: a tenth of LoRA's.

    That is what Schulman et al. 2025 ("LoRA Without Regret") found between the best rates of both.
    """
    rate, _ = lora_rate(parameters)
    text = f"full fine-tuning of {parameters / 1e6:,.0f} million weights, a tenth of LoRA's rate"
    return rate / 10, text


def rank(supervised: int, weights_a_rank: int) -> tuple[int, str]:
    """LoRA rank, our own rule: the least power of two that can hold the answers, 16 to 256.

    A weight stores about 2 bits (Allen-Zhu and Li 2024), an answer's token holds about 1 bit that
    the model does not know; LoRA keeps up with full fine-tuning while its capacity is not used up
    (Schulman et al. 2025, "LoRA Without Regret").

    Args:
        supervised: Trained tokens of all rows, once.
        weights_a_rank: Weights that a rank of 1 adds.
    """
    needed = BITS_A_TOKEN * supervised
    fitting = (r for r in RANKS if BITS_A_WEIGHT * weights_a_rank * r >= needed)
    chosen = next(fitting, RANKS[-1])
    return chosen, (
        f"{chosen * weights_a_rank:,} weights of {BITS_A_WEIGHT:g} bits for {supervised:,} trained "
        f"tokens of {BITS_A_TOKEN:g} bit; {RANKS[0]} to {RANKS[-1]}"
    )
