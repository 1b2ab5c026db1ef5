from collections.abc import Callable

from benchmarks.train_vs_peers.comparison import Measurement
from benchmarks.train_vs_peers.rounds import run_rounds

from tunery.errors import RunError

RUN = Measurement(8, 100, 1.0, None, 500.0, 9.0, (1.0,), {})


def side(name: str, calls: list[str], fail_at: int = 0) -> Callable[[int], Measurement]:
    def run(number: int) -> Measurement:
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
    rounds = run_rounds({"ours": side("ours", calls), "trl": side("peer", calls)}, 2, told.append)
    assert calls == ["ours", "peer", "ours", "peer"]
    assert told == [
        "round 1 of 2: ours",
        "round 1 of 2: trl",
        "round 2 of 2: ours",
        "round 2 of 2: trl",
    ]
    comparison = rounds.beside("trl")
    assert len(comparison.measured("ours")) == len(comparison.measured("peer")) == 2
    assert comparison.failures == {}


def test_the_other_side_goes_on_when_one_fails() -> None:
    calls: list[str] = []
    rounds = run_rounds(
        {"ours": side("ours", calls), "trl": side("peer", calls, fail_at=2)}, 3, ignore
    )
    assert calls == ["ours", "peer", "ours", "peer", "ours"]
    comparison = rounds.beside("trl")
    assert comparison.failures == {"peer": "peer broke. Mend it."}
    assert len(comparison.measured("ours")) == 3
    assert len(comparison.measured("peer")) == 1
    assert comparison.ratios("rows_per_s") == [1.0]


def test_one_side_alone() -> None:
    rounds = run_rounds({"trl": side("peer", [])}, 1, ignore)
    comparison = rounds.beside("trl")
    assert comparison.measured("ours") == []
    assert comparison.measured("peer") == [RUN]
