"""Rows that say the same as an earlier row."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tunery.data.checks.digests import DigestLog, digest_of_row
from tunery.data.findings import Finding, Place
from tunery.data.records import Record


@dataclass(slots=True)
class Duplicates:
    """The digests of all rows of a file: 24 bytes a row.

    Attributes:
        file: Path of the file, as the user gave it.
        log: Digest and line of each row.
    """

    file: str = ""
    log: DigestLog = field(default_factory=DigestLog)

    def add(self, record: Record, place: Place) -> None:
        """Takes one row."""
        self.file = self.file or place.file
        self.log.add(digest_of_row(record), place.line)

    def merge(self, other: Duplicates) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.log.merge(other.log)

    def findings(self) -> list[Finding]:
        """One finding for each row that says the same as an earlier one."""
        firsts = self.log.first_of_each()
        later = np.flatnonzero(firsts != np.arange(len(firsts)))
        return [
            Place(self.file, self.log.lines[row]).found(
                "row.duplicate",
                f"the row says the same as line {self.log.lines[firsts[row]]}",
                "Remove one of them, unless it is meant to count twice.",
            )
            for row in later
        ]
