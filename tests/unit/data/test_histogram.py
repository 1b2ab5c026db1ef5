import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.histogram import MOST_VALUES, Bin, Histogram

NUMBERS = st.lists(st.integers(0, 5000), min_size=1, max_size=60)


def of(values):
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@given(NUMBERS)
def test_figures_are_those_of_the_numbers(values):
    made = of(values)
    assert (made.n, made.total, made.largest) == (len(values), sum(values), max(values))
    assert made.mean == pytest.approx(np.mean(values))
    expected = np.std(values, ddof=1) if len(values) > 1 else 0.0
    assert made.deviation == pytest.approx(expected)


@given(NUMBERS, st.lists(st.floats(0.001, 1), min_size=1, max_size=5))
def test_quantiles_are_those_of_the_numbers(values, shares):
    expected = np.quantile(values, shares, method="inverted_cdf").tolist()
    assert of(values).quantiles(shares) == expected


@given(NUMBERS, NUMBERS)
def test_two_parts_make_the_whole(first, second):
    made = of(first)
    made.merge(of(second))
    assert made == of(first + second)


@given(NUMBERS, st.integers(1, 12))
def test_every_number_is_in_one_bin(values, most):
    bins = of(values).bins(most)
    assert len(bins) <= most
    for each in bins:
        assert each.count == sum(each.start <= value <= each.end for value in values)
    assert sum(each.count for each in bins) == len(values)


def test_bins_have_equal_width():
    assert of([3, 4, 9]).bins(2) == [Bin(3, 6, 2), Bin(7, 10, 1)]


def test_an_empty_histogram_has_zeros():
    assert (Histogram().mean, Histogram().quantiles([0.5]), Histogram().bins(3)) == (0.0, [0], [])


def test_too_many_numbers_are_rounded_and_it_is_said():
    values = range(10_000, 10_000 + MOST_VALUES + 1)
    whole, parts = of(values), of(values[::2])
    parts.merge(of(values[1::2]))
    for made in (whole, parts):
        assert made.rounded
        assert len(made.counts) < MOST_VALUES
        assert (made.n, made.total, made.largest) == (len(values), sum(values), values[-1])
        middle = values[len(values) // 2]
        assert made.quantiles([0.5])[0] == pytest.approx(middle, rel=1 / 256)
    after = of([7])
    after.merge(whole)
    assert after.rounded
