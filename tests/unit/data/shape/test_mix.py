"""Weights are met within a row; a row is repeated only when all were taken."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.shape.mix import apportion, largest_mix, mix
from tunery.data.shape.sample import sample
from tunery.errors import DataError

WEIGHTS = st.floats(0.001, 1000)
FILES = st.lists(st.tuples(st.integers(1, 30), WEIGHTS), min_size=1, max_size=5)


@given(FILES, st.integers(0, 200), st.integers(0, 9))
def test_weights_are_met_within_one_row(files, rows, seed):
    sizes, weights = zip(*files, strict=True)
    chosen = mix(sizes, weights, rows, seed)
    assert len(chosen) == rows
    counts = Counter(file for file, _ in chosen)
    whole = sum(map(Fraction, weights))
    for index, weight in enumerate(weights):
        assert abs(counts[index] - rows * Fraction(weight) / whole) < 1


@given(FILES, st.integers(0, 200), st.integers(0, 9))
def test_no_row_stands_twice_more_than_another_of_its_file(files, rows, seed):
    sizes, weights = zip(*files, strict=True)
    counts = Counter(mix(sizes, weights, rows, seed))
    for file, size in enumerate(sizes):
        often = [counts[file, row] for row in range(size)]
        assert max(often) - min(often) <= 1


@given(FILES, st.integers(0, 9))
def test_the_largest_mix_repeats_nothing_and_one_row_more_would(files, seed):
    sizes, weights = zip(*files, strict=True)
    rows = largest_mix(sizes, weights)
    assert max(Counter(mix(sizes, weights, rows, seed)).values(), default=1) == 1
    whole = sum(map(Fraction, weights))
    exact = [(rows + 1) * Fraction(weight) / whole for weight in weights]
    assert any(share > size for share, size in zip(exact, sizes, strict=True))


def test_the_seed_chooses_rows_and_order():
    assert mix([9, 9], [1, 1], 10, 0) == mix([9, 9], [1, 1], 10, 0)
    assert mix([9, 9], [1, 1], 10, 0) != mix([9, 9], [1, 1], 10, 1)
    assert sorted(mix([5], [1], 5, 0)) == [(0, row) for row in range(5)]


def test_equal_remainders_go_to_the_first():
    assert apportion(3, [1, 1]) == [2, 1]


@pytest.mark.parametrize("weights", [[], [0], [1, -1], [float("inf")], [float("nan")]])
def test_weights_that_are_none(weights):
    with pytest.raises(DataError, match="The weights are"):
        apportion(1, weights)


def test_a_file_without_rows():
    assert largest_mix([0, 5], [1, 1]) == 0
    with pytest.raises(DataError, match="File 1 of the mix has no rows"):
        mix([0, 5], [1, 1], 4, 0)


@given(st.integers(0, 50), st.integers(1, 60), st.one_of(st.none(), st.integers(0, 9)))
def test_a_sample_keeps_order_and_size(count, limit, seed):
    chosen = sample(count, limit, seed)
    assert len(chosen) == min(count, limit)
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(range(count))
    assert seed is not None or chosen == list(range(min(count, limit)))


def test_a_sample_is_the_seeds():
    assert sample(100, 10, 1) == sample(100, 10, 1) != sample(100, 10, 2)
