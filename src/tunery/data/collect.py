"""All that is known of a file's rows: what is wrong in each, and what shows when they are together.

A collector keeps digests and counts, not texts, and what two collectors know of parts of a file
that follow each other makes one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol, Self

from tunery.data.checks.duplicates import Duplicates
from tunery.data.checks.label_noise import LabelNoise
from tunery.data.checks.labels import Labels
from tunery.data.checks.language import LanguageMix
from tunery.data.checks.near import NearDuplicates
from tunery.data.checks.preference import LengthBias
from tunery.data.checks.rows import ROW_CHECKS, TOLD_ONCE
from tunery.data.checks.size import RowCount
from tunery.data.checks.whitespace import Whitespace
from tunery.data.findings import Finding, Place
from tunery.data.formats.row import Row
from tunery.data.records import Record


class SetCheck(Protocol):
    """What shows only when rows are seen together."""

    def add(self, record: Record, place: Place) -> None:
        """Takes one row that can be used."""

    def merge(self, other: Self) -> None:
        """Takes what was seen of a later part of the file."""

    def findings(self) -> list[Finding]:
        """What shows by now."""


SET_CHECKS: tuple[type[SetCheck], ...] = (
    Duplicates,
    LabelNoise,
    Labels,
    LengthBias,
    Whitespace,
)

ADVICE: tuple[type[SetCheck], ...] = (RowCount, LanguageMix)
"""What a person wants to know of a file, and a training need not say again."""


class Collector:
    """Everything that is known of a file's rows so far.

    Args:
        file: Path of the file, as the user gave it.
        advice: Give advice on the file as well, see `ADVICE`.
        near: Look for rows that are nearly the same as well, which takes as long as all the rest.

    Attributes:
        total: Rows seen.
        used: Those of them that have no error.
    """

    def __init__(self, file: str, *, advice: bool = False, near: bool = False) -> None:
        self.file = file
        self.total = 0
        self.used = 0
        self._findings: list[Finding] = []
        self._once: dict[tuple[str, str], tuple[Finding, int]] = {}
        checks = SET_CHECKS + ADVICE * advice + (NearDuplicates,) * near
        self._sets: list[SetCheck] = [check() for check in checks]

    def add(self, row: Row) -> bool:
        """Takes the next row; whether it can be used."""
        self.total += 1
        self._findings += row.findings
        once = list(row.once)
        usable = row.record is not None
        if row.record is not None:
            place = Place(self.file, row.line)
            for check in ROW_CHECKS:
                for finding in check(row.record, place):
                    (once if finding.code in TOLD_ONCE else self._findings).append(finding)
                    usable = usable and finding.severity != "error"
            if usable:
                for together in self._sets:
                    together.add(row.record, place)
        for finding in once:
            first, count = self._once.get((finding.code, finding.message), (finding, 0))
            self._once[finding.code, finding.message] = first, count + 1
        self.used += usable
        return usable

    def merge(self, other: Collector) -> None:
        """Takes over what is known of the rows that follow."""
        self.total += other.total
        self.used += other.used
        self._findings += other._findings
        for mine, theirs in zip(self._sets, other._sets, strict=True):
            mine.merge(theirs)
        for key, (finding, count) in other._once.items():
            first, before = self._once.get(key, (finding, 0))
            self._once[key] = first, before + count

    def findings(self) -> tuple[Finding, ...]:
        """All findings so far, in the order of the file."""
        told = [
            replace(first, message=f"{first.message} (in {_rows_told(count)})")
            for first, count in self._once.values()
        ]
        shown = [finding for together in self._sets for finding in together.findings()]
        found = [*self._findings, *shown, *told]
        return tuple(sorted(found, key=lambda finding: finding.line))


def _rows_told(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows, this is the first"
