"""How far a run is, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Ended = Literal["", "rows", "dry", "max_cost", "max_requests"]
"""Why a run ended: it has its rows; request after request gave none; a limit was reached. Empty
while it goes on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a run, its earlier parts included.

    Attributes:
        wanted: Rows that are to be kept in the end.
        asked: Rows that were asked for, and answered or given up: `kept` plus `rejected`.
        kept: Rows to train on.
        rejected: Rows that are listed with the reason, by reason.
        requests: Requests that were sent.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        cost: Money spent, in the currency of the prices; None without prices.
        unknown: Requests whose tokens the server did not tell, counted at their most.
    """

    wanted: int
    asked: int
    kept: int
    rejected: Mapping[str, int]
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    unknown: int


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    Attributes:
        progress: The counts.
        ended: Why it ended.
        out: File with the rows to train on.
        rejected: File with the rows that were not taken.
    """

    progress: Progress
    ended: Ended
    out: Path
    rejected: Path
