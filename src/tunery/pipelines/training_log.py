"""A training's events in the run's log, each once, however often the training is resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tunery.track.event_log import EventLog
from tunery.train.events import (
    Checkpointed,
    Event,
    Noted,
    Paused,
    Resumed,
    StepDone,
    StoppedEarly,
    Validated,
)
from tunery.train.plan import TrainPlan

PLAN, CHECKPOINT = "plan", "checkpoint"

KINDS = {
    TrainPlan: PLAN,
    StepDone: "step",
    Validated: "validation",
    Checkpointed: CHECKPOINT,
    Resumed: "resume",
    StoppedEarly: "early_stop",
    Paused: "pause",
    Noted: "note",
}


class TrainingLog:
    """Writes what one process's part of a training tells.

    A resumed training plans again before it says after which step it goes on. What it tells until
    then is held back: whether the log has it already is known only then, and a training that is
    refused leaves the log as it was.

    Args:
        events: The run's log.
        resumes: The training is resumed, and will tell a `Resumed`.
    """

    def __init__(self, events: EventLog, *, resumes: bool) -> None:
        self._events = events
        self._held: list[dict[str, Any]] | None = [] if resumes else None

    def write(self, event: Event) -> None:
        """Writes an event, or holds it back."""
        kind = KINDS[type(event)]
        if self._held is None:
            self._events.write(kind, asdict(event))
            return
        if isinstance(event, Resumed):
            self._events.replace(self._gone_on(event, self._held))
            self._events.write(kind, asdict(event))
            self._held = None
        else:
            self._held.append(_entry(event))

    def _gone_on(self, event: Resumed, held: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The log as that of a training that has just done its step `event.step`."""
        opening, later = _parted(self._events.read())
        opening_now, notes = _parted(held)
        if event.step == 0 or not later:
            opening = opening_now
        kept = [entry for entry in later if entry.get("step", 0) <= event.step]
        told = any(e["event"] == CHECKPOINT and e["step"] == event.step for e in kept)
        if event.folder is not None and not told:  # killed after writing it, before telling
            kept.append(_entry(Checkpointed(event.step, event.folder)))
        return [*opening, *kept, *notes]


def _entry(event: Event) -> dict[str, Any]:
    return {"event": KINDS[type(event)], **asdict(event)}


def _parted(
    entries: Sequence[dict[str, Any]],
) -> tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]]:
    """What was told up to the first plan, and what after it."""
    plans = [index for index, entry in enumerate(entries) if entry["event"] == PLAN]
    until = plans[0] + 1 if plans else len(entries)
    return entries[:until], entries[until:]
