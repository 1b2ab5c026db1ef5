"""The numbers of both sides, their medians and ratios, and their losses beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from statistics import median

FIGURES = {
    "rows_per_s": "rows/s over training",
    "rows_per_s_after_first": "rows/s after the first step",
    "peak_rss_mib": "peak memory, MiB",
    "wall_s": "whole process, s",
}
"""What is measured of a side, and how it is called in the table."""

LOSS_LIMIT = 0.01
"""Relative difference of the losses of a step beyond which sides do not train alike."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One side, measured once.

    Attributes:
        rows: Rows trained.
        tokens: Their tokens, a shared prefix counted in each row.
        rows_per_s: Over the whole training.
        rows_per_s_after_first: Over all steps but the first; None if there was one step.
        peak_rss_mib: Largest resident memory of the process.
        wall_s: The whole process, from its start to its end, in seconds.
        loss: Of each step, in nats a trained token.
        versions: Of Python and of the libraries that decide the numbers.
        product_share: Share of the time of all steps but the first that their matrix products
            take alone; None if it was not measured.
        product_gflops: The rate of these products, in 1e9 operations a second.
    """

    rows: int
    tokens: int
    rows_per_s: float
    rows_per_s_after_first: float | None
    peak_rss_mib: float
    wall_s: float
    loss: tuple[float, ...]
    versions: Mapping[str, str]
    product_share: float | None = None
    product_gflops: float | None = None

    def figure(self, name: str) -> float | None:
        """The value of one of `FIGURES`."""
        value: float | None = getattr(self, name)
        return value


def speed(rows: int, first_rows: int, train_s: float, first_s: float) -> tuple[float, float | None]:
    """Rows a second over the training, and over what came after its first step.

    Args:
        rows: Rows trained.
        first_rows: Rows of the first step.
        train_s: Seconds from the start of the first step to the end of training.
        first_s: Seconds of the first step.

    Returns:
        Both, the second one None if there was no other step.
    """
    after = (rows - first_rows) / (train_s - first_s) if rows > first_rows else None
    return rows / train_s, after


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides, measured one after the other; a side that was not measured is None."""

    ours: Measurement | None
    peer: Measurement | None

    def ratio(self, figure: str) -> float | None:
        """Ours divided by the peer's; None if one of them is absent."""
        if self.ours is None or self.peer is None:
            return None
        ours, peer = self.ours.figure(figure), self.peer.figure(figure)
        return None if ours is None or peer is None else ours / peer


@dataclass(frozen=True, slots=True)
class StepLoss:
    """The losses of one step.

    Attributes:
        step: From 1.
        ours: None if our side had fewer steps.
        peer: None if the peer had fewer steps.
    """

    step: int
    ours: float | None
    peer: float | None

    @property
    def relative_difference(self) -> float | None:
        """(ours - peer) / peer; None if one of them is absent or the peer's is 0."""
        if self.ours is None or self.peer is None or self.peer == 0:
            return None
        return (self.ours - self.peer) / self.peer


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was measured.

    Attributes:
        pairs: In the order in which they were measured.
        failures: What went wrong, by side.
    """

    pairs: tuple[Pair, ...]
    failures: Mapping[str, str]

    def measured(self, side: str) -> list[Measurement]:
        """All measurements of "ours" or "peer"."""
        return [found for pair in self.pairs if (found := getattr(pair, side)) is not None]

    def median(self, side: str, figure: str) -> float | None:
        """Median of a figure over all measurements of a side; None if there is none."""
        return median_of([run.figure(figure) for run in self.measured(side)])

    def ratios(self, figure: str) -> list[float]:
        """Ours divided by the peer's in each pair that has both."""
        return [ratio for pair in self.pairs if (ratio := pair.ratio(figure)) is not None]

    def losses(self) -> list[StepLoss]:
        """The losses of each side's first measurement; the later ones repeat them."""
        ours, peer = (
            runs[0].loss if (runs := self.measured(side)) else () for side in ("ours", "peer")
        )
        steps = enumerate(zip_longest(ours, peer), start=1)
        return [StepLoss(step, *losses) for step, losses in steps]

    def notes(self) -> list[str]:
        """Reasons to doubt that both sides did the same work."""
        sides = [self.measured(side)[:1] for side in ("ours", "peer")]
        if not all(sides):
            return []
        (ours,), (peer,) = sides
        counts = {
            "rows": (ours.rows, peer.rows),
            "tokens": (ours.tokens, peer.tokens),
            "steps": (len(ours.loss), len(peer.loss)),
        }
        found = [
            f"The sides trained different {name}: ours {mine}, peer {theirs}."
            for name, (mine, theirs) in counts.items()
            if mine != theirs
        ]
        largest = largest_difference(self.losses())
        if largest is not None and largest > LOSS_LIMIT:
            found.append(f"Losses differ by up to {largest:.1%}, more than {LOSS_LIMIT:.0%}.")
        return found


def median_of(values: Sequence[float | None]) -> float | None:
    """Median of the values that are there; None if there is none."""
    present = [value for value in values if value is not None]
    return median(present) if present else None


def largest_difference(losses: Sequence[StepLoss]) -> float | None:
    """The largest relative difference by size, without its sign; None if there is none."""
    found = [abs(d) for loss in losses if (d := loss.relative_difference) is not None]
    return max(found, default=None)
