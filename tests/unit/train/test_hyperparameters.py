"""The rules behind `auto`."""

import pytest

from tunery.config.method import MethodSection
from tunery.config.section import number
from tunery.config.train import TrainSection
from tunery.models.architecture import FAMILIES
from tunery.models.token_row import TokenRow
from tunery.testing.tiny_models import tiny_llama
from tunery.train.hyperparameters import batch_size, lora_rate, rank, resolve

TARGETS = FAMILIES["llama"].lora_targets
ROWS = [TokenRow((1, 2, 3), (0.0, 1.0, 1.0))] * 12


@pytest.mark.parametrize(
    ("rows", "expected"), [(3, 3), (8, 8), (500, 8), (10_000, 20), (1_000_000, 256)]
)
def test_a_batch_is_a_share_of_the_rows_between_bounds(rows, expected):
    assert batch_size(rows)[0] == expected


def test_larger_models_get_lower_rates_within_bounds():
    rates = [lora_rate(size)[0] for size in (10**6, 135 * 10**6, 2 * 10**9, 8 * 10**9, 70 * 10**9)]
    assert rates == [1e-3, 1e-3, 5e-4, 2.5e-4, 2e-4]


def test_the_rank_grows_with_what_must_be_held():
    assert [rank(tokens, 1000)[0] for tokens in (1, 32_000, 32_001, 200_000, 10**9)] == [
        *(16, 16, 32, 128, 256)
    ]


def test_every_auto_becomes_a_number_with_its_reason():
    settings = TrainSection(learning_rate_multiplier=0.5)
    method, train, choices = resolve(tiny_llama(), ROWS, MethodSection(targets=TARGETS), settings)
    assert (train.epochs, train.batch_size, train.learning_rate, method.rank) == (8, 8, 5e-4, 16)
    assert train.learning_rate_multiplier == 1
    assert [choice.name for choice in choices] == [
        *("train.epochs", "train.batch_size", "train.learning_rate", "method.rank")
    ]
    assert all(choice.reason for choice in choices)
    assert "times train.learning_rate_multiplier, 0.5" in choices[2].reason


def test_given_values_stay_and_only_the_rate_is_multiplied():
    method = MethodSection(rank=4, targets=TARGETS)
    given = {"epochs": 2, "batch_size": 3, "learning_rate": 0.01, "learning_rate_multiplier": 2.0}
    same, train, choices = resolve(tiny_llama(), ROWS, method, TrainSection(**given))
    assert (same, choices) == (method, ())
    assert (train.epochs, train.batch_size, train.learning_rate) == (2, 3, 0.02)


def test_fewer_blocks_hold_less_so_the_rank_is_higher():
    method = MethodSection(targets=TARGETS, last_blocks=1)
    rows = [TokenRow((1, *range(2, 202)), (0.0, *[1.0] * 200))] * 180
    half = resolve(tiny_llama(), rows, method, TrainSection())[0].rank
    whole = resolve(tiny_llama(), rows, MethodSection(targets=TARGETS), TrainSection())[0].rank
    assert half > whole


def test_a_number_is_no_longer_auto():
    assert number(3) == 3
    with pytest.raises(ValueError, match="auto was not replaced"):
        number("auto")
