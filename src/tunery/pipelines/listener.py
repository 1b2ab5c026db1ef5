"""Who hears what a run is doing."""

from __future__ import annotations

from tunery.train.events import Event


class Listener:
    """Hears a run; does nothing by itself. A door overrides what it wants to show."""

    def log(self, message: str) -> None:
        """Something that a person may want to know, one sentence."""

    def stage(self, name: str) -> None:
        """A stage begins."""

    def event(self, event: Event) -> None:
        """Training did something."""

    def answered(self, model: str, done: int, total: int) -> None:
        """A model has answered `done` of `total` held-out rows."""
