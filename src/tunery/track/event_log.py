"""What happened in a run, as a file of JSON lines that only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class EventLog:
    """A file with one JSON object a line: {"event": kind, …}.

    Args:
        path: The file; it is created with the first event.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, kind: str, values: Mapping[str, Any]) -> None:
        """Appends an event."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": kind, **values}, ensure_ascii=False) + "\n")

    def read(self, kind: str | None = None) -> list[dict[str, Any]]:
        """All events in order, or those of one kind; a line cut off by a crash is left out."""
        if not self.path.exists():
            return []
        events = []
        for line in self.path.read_text("utf-8").splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return [event for event in events if kind in (None, event["event"])]

    def rewind(self, step: int) -> None:
        """Removes the events of all steps after `step`, which a resumed run will do again."""
        kept = [event for event in self.read() if event.get("step", 0) <= step]
        draft = self.path.with_suffix(".draft")
        draft.write_text(
            "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in kept), "utf-8"
        )
        draft.replace(self.path)
