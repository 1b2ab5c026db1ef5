"""Measures both sides in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.train_vs_trl.comparison import Comparison, Measurement, Pair
from tunery.errors import TuneryError

Side = Callable[[], Measurement]
"""Runs one side once.

Raises:
    TuneryError: It cannot be measured.
"""


def run_pairs(sides: Mapping[str, Side], repeat: int, tell: Callable[[str], None]) -> Comparison:
    """Measures ours, peer, ours, peer, …, so that a slow hour of the machine meets both.

    A side that fails is not tried again; the other one goes on.

    Args:
        sides: "ours", "peer" or both.
        repeat: How often each is measured.
        tell: Told what is going on.
    """
    failures: dict[str, str] = {}
    pairs = []
    for number in range(1, repeat + 1):
        measured: dict[str, Measurement] = {}
        for name, side in sides.items():
            if name in failures:
                continue
            tell(f"pair {number} of {repeat}: {name}")
            try:
                measured[name] = side()
            except TuneryError as error:
                failures[name] = str(error)
                tell(f"{name} failed: {error}")
        pairs.append(Pair(measured.get("ours"), measured.get("peer")))
    return Comparison(tuple(pairs), failures)
