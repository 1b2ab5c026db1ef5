import pytest

from tunery.train.rate_range import RatePoint, growing_rates, suggest

TRIED = growing_rates(1e-4, 1.0, 5)


def points(*smoothed):
    return [RatePoint(rate, loss, loss) for rate, loss in zip(TRIED, smoothed, strict=False)]


def test_rates_grow_by_one_factor():
    assert list(TRIED) == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def test_a_tenth_of_the_rate_with_the_lowest_loss_is_suggested():
    rate, reason = suggest(points(3, 2, 1, 4), TRIED)
    assert rate == pytest.approx(1e-3)
    assert "a tenth of 0.01" in reason


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ((), "no finite loss"),
        ((1, 2, 3), "nothing was learned. Start lower"),
        ((5, 4, 3, 2, 1), "still falling at the highest rate"),
    ],
)
def test_where_the_range_holds_no_rate_none_is_suggested(losses, reason):
    rate, said = suggest(points(*losses), TRIED)
    assert rate is None
    assert reason in said
