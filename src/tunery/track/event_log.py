"""What happened in a run, as a file of JSON lines that grows, and is cut where a run goes back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO


class EventLog:
    """A file with one JSON object a line: {"event": kind, …}.

    Args:
        path: The file; it is created with the first event.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, kind: str, values: Mapping[str, Any]) -> None:
        """Appends an event."""
        line = json.dumps({"event": kind, **values}) + "\n"  # ASCII: one line whatever the text
        with self.path.open("a+b") as file:
            if file.seek(0, os.SEEK_END) and not self._ends_a_line(file):
                line = "\n" + line  # a crash cut the line before
            file.write(line.encode())

    def read(self, kind: str | None = None) -> list[dict[str, Any]]:
        """All events in order, or those of one kind; a line cut off by a crash is left out."""
        if not self.path.exists():
            return []
        events = []
        for line in self.path.read_bytes().splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return [event for event in events if kind in (None, event["event"])]

    def replace(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Writes the log anew, at once: a crash leaves the old one or the new one.

        Args:
            events: As `read` gives them.
        """
        draft = self.path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write("".join(json.dumps(event) + "\n" for event in events).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    @staticmethod
    def _ends_a_line(file: BinaryIO) -> bool:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
