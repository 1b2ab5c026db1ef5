import pytest
from benchmarks.train_vs_peers.comparison import (
    Comparison,
    Measurement,
    Pair,
    StepLoss,
    largest_difference,
    speed,
)


def measurement(
    rate: float = 2.0,
    after: float | None = 3.0,
    loss: tuple[float, ...] = (1.0, 0.5),
    rows: int = 8,
    tokens: int = 100,
) -> Measurement:
    return Measurement(
        rows=rows,
        tokens=tokens,
        rows_per_s=rate,
        rows_per_s_after_first=after,
        peak_rss_mib=1000 * rate,
        wall_s=60 / rate,
        loss=loss,
        versions={},
    )


def compare(*pairs: tuple[Measurement | None, Measurement | None]) -> Comparison:
    return Comparison(tuple(Pair(*pair) for pair in pairs), {})


def test_speed_over_training_and_after_its_first_step() -> None:
    assert speed(rows=24, first_rows=8, train_s=12.0, first_s=4.0) == (2.0, 2.0)
    assert speed(rows=20, first_rows=8, train_s=10.0, first_s=4.0) == (2.0, 2.0)
    assert speed(rows=9, first_rows=8, train_s=10.0, first_s=8.0) == (0.9, 0.5)


def test_one_step_has_no_speed_after_it() -> None:
    assert speed(rows=8, first_rows=8, train_s=4.0, first_s=4.0) == (2.0, None)


def test_a_ratio_is_ours_divided_by_the_peers() -> None:
    pair = Pair(measurement(rate=8.0), measurement(rate=2.0))
    assert pair.ratio("rows_per_s") == 4.0
    assert pair.ratio("peak_rss_mib") == 4.0
    assert pair.ratio("wall_s") == 0.25


def test_medians_and_ratios_over_pairs() -> None:
    peers = [measurement(rate=rate) for rate in (1.0, 2.0, 10.0)]
    ours = [measurement(rate=rate) for rate in (10.0, 4.0, 30.0)]
    comparison = compare(*zip(ours, peers, strict=True))
    assert comparison.median("ours", "rows_per_s") == 10.0
    assert comparison.median("peer", "rows_per_s") == 2.0
    assert comparison.ratios("rows_per_s") == [10.0, 2.0, 3.0]


def test_what_is_absent_is_not_zero() -> None:
    comparison = compare(
        (measurement(rate=4.0, after=None), measurement(rate=2.0)), (None, measurement(rate=6.0))
    )
    assert comparison.ratios("rows_per_s") == [2.0]
    assert comparison.ratios("rows_per_s_after_first") == []
    assert comparison.median("ours", "rows_per_s_after_first") is None
    assert comparison.median("ours", "rows_per_s") == 4.0
    assert comparison.median("peer", "rows_per_s") == 4.0


def test_losses_stand_side_by_side() -> None:
    losses = compare((measurement(loss=(1.1, 0.4)), measurement(loss=(1.0, 0.5)))).losses()
    assert [(loss.step, loss.ours, loss.peer) for loss in losses] == [(1, 1.1, 1.0), (2, 0.4, 0.5)]
    assert [loss.relative_difference for loss in losses] == pytest.approx([0.1, -0.2])
    assert largest_difference(losses) == pytest.approx(0.2)


def test_a_step_that_one_side_lacks_is_shown() -> None:
    losses = compare((measurement(loss=(1.0, 0.5)), measurement(loss=(1.0,)))).losses()
    assert losses[1] == StepLoss(2, 0.5, None)
    assert losses[1].relative_difference is None
    assert largest_difference(losses) == 0.0


def test_losses_of_one_side_alone() -> None:
    losses = compare((None, measurement(loss=(1.0,)))).losses()
    assert losses == [StepLoss(1, None, 1.0)]
    assert largest_difference(losses) is None
    assert StepLoss(1, 1.0, 0.0).relative_difference is None


def test_losses_are_those_of_the_first_run_that_worked() -> None:
    comparison = compare(
        (None, measurement(loss=(3.0,))), (measurement(loss=(1.0,)), measurement(loss=(2.0,)))
    )
    assert comparison.losses() == [StepLoss(1, 1.0, 3.0)]


def test_different_work_is_noted() -> None:
    same = compare((measurement(), measurement(rate=9.0)))
    assert same.notes() == []
    other = compare((measurement(), measurement(rows=7, tokens=90, loss=(1.0,))))
    assert other.notes() == [
        "The sides trained different rows: ours 8, peer 7.",
        "The sides trained different tokens: ours 100, peer 90.",
        "The sides trained different steps: ours 2, peer 1.",
    ]
    assert compare((measurement(), None)).notes() == []
