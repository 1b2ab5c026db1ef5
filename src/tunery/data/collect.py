"""All that is known of a file's rows: what is wrong in each, and what shows when they are together.

A collector keeps digests and counts, not texts, and what two collectors know of parts of a file
that follow each other makes one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol, Self

from tunery.data.checks.duplicates import Duplicates
from tunery.data.checks.label_noise import LabelNoise
from tunery.data.checks.labels import Labels
from tunery.data.checks.length import check_length
from tunery.data.checks.preference import LengthBias, check_preference
from tunery.data.checks.text import (
    check_answer,
    check_characters,
    check_control_tokens,
    check_placeholders,
)
from tunery.data.checks.tool_calls import check_tool_calls
from tunery.data.checks.whitespace import Whitespace
from tunery.data.findings import Finding, Place
from tunery.data.formats.row import Row
from tunery.data.records import Record

RowCheck = Callable[[Record, Place], Iterable[Finding]]


class SetCheck(Protocol):
    """What shows only when rows are seen together."""

    def add(self, record: Record, place: Place) -> None:
        """Takes one row that can be used."""

    def merge(self, other: Self) -> None:
        """Takes what was seen of a later part of the file."""

    def findings(self) -> list[Finding]:
        """What shows by now."""


ROW_CHECKS: tuple[RowCheck, ...] = (
    check_characters,
    check_control_tokens,
    check_answer,
    check_tool_calls,
    check_preference,
    check_placeholders,
    check_length,
)

ONCE_A_FILE = frozenset({"text.control_token", "text.invisible", "text.placeholder"})
"""Findings that many rows share: told at the first row, with the number of rows."""

SET_CHECKS: tuple[type[SetCheck], ...] = (Duplicates, LabelNoise, Labels, LengthBias, Whitespace)


class Collector:
    """Everything that is known of a file's rows so far.

    Args:
        file: Path of the file, as the user gave it.

    Attributes:
        total: Rows seen.
        used: Those of them that have no error.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.total = 0
        self.used = 0
        self._findings: list[Finding] = []
        self._once: dict[tuple[str, str], tuple[Finding, int]] = {}
        self._sets = [check() for check in SET_CHECKS]

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
                    (once if finding.code in ONCE_A_FILE else self._findings).append(finding)
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
