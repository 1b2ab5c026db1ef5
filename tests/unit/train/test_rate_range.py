import pytest
from pydantic import ValidationError

from tunery.config.method import MethodSection
from tunery.config.train import TrainSection
from tunery.models.token_row import TokenRow
from tunery.testing.tiny_models import tiny_llama
from tunery.train.hyperparameters import resolve
from tunery.train.rate_range import RatePoint, growing_rates, suggest

TRIED = growing_rates(1e-4, 1.0, 5)


def points(*smoothed):
    return [RatePoint(rate, loss, loss) for rate, loss in zip(TRIED, smoothed, strict=False)]


def test_rates_grow_by_one_factor():
    assert list(TRIED) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def test_a_tenth_of_the_rate_with_the_lowest_loss_is_suggested():
    rate, reason = suggest(points(3, 2, 1, 4), TRIED, 1.0)
    assert rate == pytest.approx(1e-3)
    assert "a tenth of 0.01, where" in reason


@pytest.mark.parametrize("multiplier", [2.0, 0.25])
def test_a_run_with_the_suggestion_trains_at_the_rate_that_was_found(multiplier):
    rate, reason = suggest(points(3, 2, 1, 4), TRIED, multiplier)
    assert f"a tenth of 0.01, divided by train.learning_rate_multiplier, {multiplier:g}" in reason
    given = TrainSection(epochs=1, learning_rate=rate, learning_rate_multiplier=multiplier)
    rows = [TokenRow((1, 2), (0.0, 1.0))]
    _, settings, _ = resolve(tiny_llama(), rows, MethodSection(rank=4), given)
    assert settings.learning_rate == pytest.approx(1e-3)


def test_a_rate_that_the_configuration_does_not_take_is_not_suggested():
    rate, reason = suggest(points(3, 2, 1, 4), TRIED, 1e-3)
    assert rate == 1
    assert TrainSection(learning_rate=rate)
    rate, reason = suggest(points(3, 2, 1, 4), TRIED, 9e-4)
    assert rate is None
    assert "It would be 1.1, a tenth of 0.01" in reason
    with pytest.raises(ValidationError):
        TrainSection(learning_rate=1.1)


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ((), "no finite loss"),
        ((1, 2, 3), "nothing was learned. Start lower"),
        ((5, 4, 3, 2, 1), "still falling at the highest rate"),
    ],
)
def test_where_the_range_holds_no_rate_none_is_suggested(losses, reason):
    rate, said = suggest(points(*losses), TRIED, 1.0)
    assert rate is None
    assert reason in said
