"""Whether a file has rows enough."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.data.findings import Finding, Place
from tunery.data.records import Record

FEWEST_HOSTED = 10
"""Rows that OpenAI's fine-tuning service asks for at least."""


@dataclass(slots=True)
class RowCount:
    """How many rows can be used.

    Attributes:
        file: Path of the file, as the user gave it.
        rows: Rows without an error.
    """

    file: str = ""
    rows: int = 0

    def add(self, record: Record, place: Place) -> None:  # noqa: ARG002 - one form for all checks
        """Counts one row."""
        self.file = self.file or place.file
        self.rows += 1

    def merge(self, other: RowCount) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.rows += other.rows

    def findings(self) -> list[Finding]:
        """At most one finding."""
        place = Place(self.file, 0)
        if 0 < self.rows < FEWEST_HOSTED:
            return [
                place.found(
                    "data.too_few_rows",
                    f"the file has {self.rows} row(s) that can be used; hosted services take no "
                    f"file with fewer than {FEWEST_HOSTED}",
                    "Add rows: 50 to 100 good ones are a usual start.",
                )
            ]
        return []
