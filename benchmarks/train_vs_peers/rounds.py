"""Measures all sides in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.train_vs_peers.comparison import Comparison, Measurement, Pair
from tunery.errors import TuneryError

Side = Callable[[int], Measurement]
"""Runs one side once; gets the number of the round, from 1.

Raises:
    TuneryError: It cannot be measured.
"""


@dataclass(frozen=True, slots=True)
class Rounds:
    """What was measured.

    Attributes:
        measured: One round after the other, each by the name of the side: "ours" or a peer's.
        failures: What went wrong, by side.
    """

    measured: tuple[Mapping[str, Measurement], ...]
    failures: Mapping[str, str]

    def beside(self, peer: str) -> Comparison:
        """Ours beside one peer."""
        pairs = tuple(Pair(found.get("ours"), found.get(peer)) for found in self.measured)
        names = {"ours": "ours", peer: "peer"}
        failures = {names[side]: text for side, text in self.failures.items() if side in names}
        return Comparison(pairs, failures)


def run_rounds(sides: Mapping[str, Side], repeat: int, tell: Callable[[str], None]) -> Rounds:
    """Measures ours, peer, ours, peer, …, so that a slow hour of the machine meets all.

    A side that fails is not tried again; the others go on.

    Args:
        sides: "ours", peers, or both, by name.
        repeat: How often each is measured.
        tell: Told what is going on.
    """
    failures: dict[str, str] = {}
    rounds = []
    for number in range(1, repeat + 1):
        measured: dict[str, Measurement] = {}
        for name, side in sides.items():
            if name in failures:
                continue
            tell(f"round {number} of {repeat}: {name}")
            try:
                measured[name] = side(number)
            except TuneryError as error:
                failures[name] = str(error)
                tell(f"{name} failed: {error}")
        rounds.append(measured)
    return Rounds(tuple(rounds), failures)
