"""The learning rate of each step."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "constant"]
FLOOR = 0.1
"""A cosine ends at this share of the peak."""


def learning_rate(
    step: int, steps: int, peak: float, schedule: Schedule, warmup_ratio: float
) -> float:
    """Learning rate of one step.

    Rises in a line over the warm-up steps, the first of which is not 0, then stays or falls along
    a cosine (Loshchilov and Hutter 2017, equation 5, without restarts).

    Args:
        step: From 0.
        steps: Of the whole training.
        peak: Highest learning rate.
        schedule: What happens after the warm-up.
        warmup_ratio: Share of the steps that warm up.
    """
    warmup = math.ceil(steps * warmup_ratio)
    if step < warmup:
        return peak * (step + 1) / warmup
    if schedule == "constant":
        return peak
    progress = (step - warmup) / max(1, steps - 1 - warmup)
    return peak * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
