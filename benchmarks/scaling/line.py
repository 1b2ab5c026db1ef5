"""Straight lines through measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Line:
    """y = slope x + start, fitted by least squares.

    Attributes:
        slope: Of the line.
        start: y at x = 0.
        r_squared: Share of the variance of y that the line explains; 1 is a straight line.
    """

    slope: float
    start: float
    r_squared: float


def fit(x: Sequence[float], y: Sequence[float]) -> Line:
    """The line through at least two points whose x and y differ."""
    slope, start = np.polyfit(x, y, 1)
    values = np.asarray(y, float)
    rest = values - (slope * np.asarray(x, float) + start)
    spread = values - values.mean()
    return Line(float(slope), float(start), float(1 - (rest @ rest) / (spread @ spread)))
