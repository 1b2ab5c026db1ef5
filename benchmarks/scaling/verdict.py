"""Whether a quantity scales as it should: time in a straight line, memory not with the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STRAIGHT = 0.99
"""Least R² of a line that is called straight."""

FLAT = 0.1
"""Most by which the largest point's peak memory may differ from the smallest's, as a share."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the measurements of one quantity say.

    Attributes:
        straight: The time of a step lies on a straight line.
        memory_growth: Peak memory of the largest point over that of the smallest, less 1.
        flat: Memory does not grow with the quantity; None where it has to, which is everywhere but
            with rows.
    """

    straight: bool
    memory_growth: float
    flat: bool | None


def judge(name: str, r_squared: float, peaks_mib: Sequence[float]) -> Verdict:
    """Judges one quantity.

    Args:
        name: Field of `points.Point`.
        r_squared: Of the line through the times.
        peaks_mib: Peak memory of its points, from small to large.
    """
    growth = peaks_mib[-1] / peaks_mib[0] - 1
    flat = abs(growth) <= FLAT if name == "rows" else None
    return Verdict(r_squared >= STRAIGHT, growth, flat)


def sentence(axis: Mapping[str, Any]) -> str:
    """The verdict of a quantity in words.

    Args:
        axis: As `__main__.measure_axes` returns it.
    """
    found, values = axis["verdict"], axis["values"]
    time = (
        f"time is {'a' if found['straight'] else 'no'} straight line "
        f"(R² {axis['line']['r_squared']:.4f}, {STRAIGHT} wanted)"
    )
    if found["flat"] is None:
        return f"{axis['title']}: {time}"
    memory = (
        f"memory is {'' if found['flat'] else 'not '}flat ({found['memory_growth']:+.1%} from "
        f"{values[0]} to {values[-1]}, at most {FLAT:.0%} wanted)"
    )
    return f"{axis['title']}: {time}; {memory}"
