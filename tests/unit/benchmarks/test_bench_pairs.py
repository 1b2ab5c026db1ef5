from collections.abc import Callable

from benchmarks.train_vs_trl.comparison import Measurement
from benchmarks.train_vs_trl.pairs import run_pairs

from tunery.errors import RunError

RUN = Measurement(8, 100, 1.0, None, 500.0, 9.0, (1.0,), {})


def side(name: str, calls: list[str], fail_at: int = 0) -> Callable[[], Measurement]:
    def run() -> Measurement:
        calls.append(name)
        if calls.count(name) == fail_at:
            raise RunError(f"{name} broke.", "Mend it.")
        return RUN

    return run


def ignore(text: str) -> None:
    pass


def test_the_sides_take_turns() -> None:
    calls: list[str] = []
    told: list[str] = []
    comparison = run_pairs(
        {"ours": side("ours", calls), "peer": side("peer", calls)}, 2, told.append
    )
    assert calls == ["ours", "peer", "ours", "peer"]
    assert told == [
        "pair 1 of 2: ours",
        "pair 1 of 2: peer",
        "pair 2 of 2: ours",
        "pair 2 of 2: peer",
    ]
    assert len(comparison.measured("ours")) == len(comparison.measured("peer")) == 2
    assert comparison.failures == {}


def test_the_other_side_goes_on_when_one_fails() -> None:
    calls: list[str] = []
    comparison = run_pairs(
        {"ours": side("ours", calls), "peer": side("peer", calls, fail_at=2)}, 3, ignore
    )
    assert calls == ["ours", "peer", "ours", "peer", "ours"]
    assert comparison.failures == {"peer": "peer broke. Mend it."}
    assert len(comparison.measured("ours")) == 3
    assert len(comparison.measured("peer")) == 1
    assert comparison.ratios("rows_per_s") == [1.0]


def test_one_side_alone() -> None:
    comparison = run_pairs({"peer": side("peer", [])}, 1, ignore)
    assert comparison.measured("ours") == []
    assert comparison.measured("peer") == [RUN]
