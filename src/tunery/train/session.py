"""One process's part of a training: where it begins and what can end it early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Session:
    """What a training goes on from, and who may pause it.

    Attributes:
        folder: Checkpoints are written to and resumed from here.
        resume: Go on from the newest checkpoint, if there is one; else those there are removed.
        pause_asked: Looked at after each step: True writes a checkpoint and ends the training.
    """

    folder: Path
    resume: bool = False
    pause_asked: Callable[[], bool] = lambda: False
