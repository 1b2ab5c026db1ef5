import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.evaluate.statistics.clustered import (
    clustered_difference,
    clustered_share,
    design_effect,
    effective_size,
)
from tunery.evaluate.statistics.estimate import Interval
from tunery.evaluate.statistics.paired import (
    mcnemar_exact,
    newcombe_difference,
    paired_comparison,
)
from tunery.evaluate.statistics.wilson import wilson_share

# Weil 1970, pups that lived of pups born in each of 16 litters, as printed in Rao and Scott 1992,
# table 1.
CONTROL = list(
    zip(
        (13, 12, 9, 9, 8, 8, 12, 11, 9, 9, 8, 11, 4, 5, 7, 7),
        (13, 12, 9, 9, 8, 8, 13, 12, 10, 10, 9, 13, 5, 7, 10, 10),
        strict=True,
    )
)
TREATED = list(
    zip(
        (12, 11, 10, 9, 10, 9, 9, 8, 8, 4, 7, 4, 5, 3, 3, 0),
        (12, 11, 10, 9, 11, 10, 10, 9, 9, 5, 9, 7, 10, 6, 10, 7),
        strict=True,
    )
)
CLUSTERS = st.lists(
    st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=1,
    max_size=20,
)


def limits(interval: Interval, digits: int = 4) -> tuple[float, float]:
    return round(interval.lower, digits), round(interval.upper, digits)


@pytest.mark.parametrize(
    ("right", "n", "expected"),
    [
        # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3.
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_gives_newcombes_published_limits(
    right: int, n: int, expected: tuple[float, float]
) -> None:
    assert limits(wilson_share(right, n).interval) == expected


@pytest.mark.parametrize(
    ("counts", "digits", "value", "expected"),
    [
        # Newcombe's square-and-add interval in Fagerland, Lydersen and Laake: Bentur et al. 2009
        # (Statistics in Medicine 33:2850-2875, 2014, table V) and Cavo et al. 2012 ("Statistical
        # Analysis of Contingency Tables", 2017, chapter 8; the digits are those of its R package).
        ((1, 1, 7, 12), 3, -0.286, (-0.507, -0.026)),
        ((59, 6, 16, 80), 4, -0.0621, (-0.1186, -0.0046)),
    ],
)
def test_newcombe_gives_fagerlands_published_limits(
    counts: tuple[int, int, int, int], digits: int, value: float, expected: tuple[float, float]
) -> None:
    difference = newcombe_difference(*counts)
    assert round(difference.value, digits) == value
    assert limits(difference.interval, digits) == expected


def test_newcombe_gives_altmans_published_limits() -> None:
    # Altman et al., "Statistics with Confidence", 2nd edition 2000, page 52: 0.01 to 0.23.
    difference = newcombe_difference(14, 5, 0, 22)
    assert round(difference.value, 2) == 0.12
    assert limits(difference.interval, 2) == (0.01, 0.23)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # No row differs, all rows differ one way, and the mirror image.
        ((54, 0, 0, 0), (-0.0664, 0.0664)),
        ((0, 0, 0, 1), (-0.7935, 0.7935)),
        ((0, 60, 0, 0), (0.9149, 1.0)),
        ((0, 0, 60, 0), (-1.0, -0.9149)),
    ],
)
def test_newcombe_keeps_a_width_and_stays_within_one_at_the_ends(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    assert limits(newcombe_difference(*counts).interval) == expected


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 40)] * 4).filter(any))
def test_newcombe_contains_its_difference_and_mirrors(counts: tuple[int, int, int, int]) -> None:
    both, first, second, neither = counts
    difference = newcombe_difference(both, first, second, neither)
    mirrored = newcombe_difference(both, second, first, neither)
    assert -1 - 1e-12 <= difference.interval.lower <= difference.value + 1e-12
    assert difference.value - 1e-12 <= difference.interval.upper <= 1 + 1e-12
    assert mirrored.value == pytest.approx(-difference.value)
    assert mirrored.interval.lower == pytest.approx(-difference.interval.upper)


@pytest.mark.parametrize(
    ("b", "c", "p_value"),
    [
        # Exact conditional test in Fagerland, Lydersen and Laake 2017, chapter 8: Bentur, Cavo.
        (1, 7, 0.0703125),
        (6, 16, 0.052479),
        (7, 1, 0.0703125),
        (5, 5, 1.0),
        (0, 0, 1.0),
        (0, 48, 2 / 2**48),
    ],
)
def test_mcnemar_gives_published_p_values(b: int, c: int, p_value: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(p_value, abs=5e-7, rel=1e-9)


def test_paired_comparison_counts_the_four_outcomes() -> None:
    base = [True, False, True, False, False, False]
    tuned = [True, True, False, True, False, True]
    result = paired_comparison(base, tuned)
    assert (result.both_right, result.gained, result.lost, result.both_wrong) == (1, 3, 1, 1)
    assert result.difference.value == pytest.approx(2 / 6)
    assert result.p_value == pytest.approx(0.625)


def test_paired_comparison_needs_equal_lengths() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_comparison([True, False], [True])


@pytest.mark.parametrize(("litters", "effect"), [(CONTROL, 1.232495), (TREATED, 3.952861)])
def test_design_effect_is_the_published_one_for_weils_litters(
    litters: list[tuple[int, int]], effect: float
) -> None:
    # Rao and Scott 1992; the digits are those of R's PF::rsb on the same data.
    assert design_effect(litters) == pytest.approx(effect, abs=5e-7)


def test_clustered_interval_of_weils_litters_follows_from_the_design_effect() -> None:
    # Treated: p = 112/145; t(15) at 0.975 = 2.131450, so n_eff = 145 / 3.952861 x 0.845554.
    assert effective_size(TREATED) == pytest.approx(145 / 3.952861 * (1.959964 / 2.131450) ** 2)
    share = clustered_share(TREATED)
    assert (share.right, share.n) == (112, 145)
    unclustered = wilson_share(112, 145).interval
    assert share.interval.lower < unclustered.lower
    assert share.interval.upper > unclustered.upper


@settings(deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=30))
def test_fields_that_fail_together_are_worth_one_row_each(rows: list[int]) -> None:
    clusters = [(4 * right, 4) for right in rows]
    assert effective_size(clusters) == pytest.approx(len(rows))
    expected = wilson_share(sum(rows), len(rows)).interval
    found = clustered_share(clusters).interval
    assert (found.lower, found.upper) == pytest.approx((expected.lower, expected.upper))


def test_evenly_spread_errors_are_worth_every_field() -> None:
    clusters = [(3, 4)] * 50
    assert effective_size(clusters) == 200
    expected = wilson_share(150, 200).interval
    found = clustered_share(clusters).interval
    assert (found.lower, found.upper) == pytest.approx((expected.lower, expected.upper))


@settings(deadline=None)
@given(CLUSTERS)
def test_clustered_interval_contains_its_share_and_is_never_a_point(
    clusters: list[tuple[int, int]],
) -> None:
    share = clustered_share(clusters)
    assert 0 <= share.interval.lower <= share.value <= share.interval.upper <= 1
    assert share.interval.upper - share.interval.lower > 0.01


@pytest.mark.parametrize(("p", "spread"), [(0.9, 2.0), (0.5, 4.0), (0.97, 1.0)])
def test_clustered_interval_covers_the_truth_about_as_often_as_it_says(
    p: float, spread: float
) -> None:
    random = np.random.default_rng(0)
    trials, covered, naive = 300, 0, 0
    for _ in range(trials):
        rates = random.beta(p * spread, (1 - p) * spread, size=60)
        clusters = [(int(right), 4) for right in random.binomial(4, rates)]
        share = clustered_share(clusters)
        covered += share.interval.lower <= p <= share.interval.upper
        plain = wilson_share(share.right, share.n).interval
        naive += plain.lower <= p <= plain.upper
    assert covered / trials > 0.93
    assert naive < covered


def test_clustered_difference_of_one_model_with_itself_is_zero_with_a_width() -> None:
    difference = clustered_difference(TREATED, TREATED)
    assert difference.value == 0
    assert difference.interval.lower < -0.05 < 0.05 < difference.interval.upper


def test_clustered_difference_widens_when_the_models_fail_on_opposite_rows() -> None:
    one, other = [(4, 4), (0, 4)] * 15, [(0, 4), (4, 4)] * 15
    opposite, alike = clustered_difference(one, other), clustered_difference(one, one)
    assert opposite.interval.upper > alike.interval.upper + 0.05


def test_clustered_difference_from_all_wrong_to_all_right() -> None:
    difference = clustered_difference([(0, 4)] * 60, [(4, 4)] * 60)
    assert difference.value == 1
    assert limits(difference.interval) == (0.9149, 1.0)
