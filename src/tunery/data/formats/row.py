"""What every format makes of one row of its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunery.data.findings import Finding, Place
from tunery.data.records import Record


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file, usable or not.

    Attributes:
        line: Line on which the row starts, from 1.
        record: What was read; None if a finding is an error.
        findings: What is wrong or odd in this row.
        once: Findings about something that many rows share, such as a key that is not used:
            they are told once a file, at the first row, with the number of rows.
    """

    line: int
    record: Record | None = None
    findings: tuple[Finding, ...] = ()
    once: tuple[Finding, ...] = ()


def row_of(
    place: Place, record: Record, findings: Iterable[Finding], once: Iterable[Finding] = ()
) -> Row:
    """The row of a record that could be read, or of one that a finding forbids."""
    told = tuple(findings)
    usable = not any(finding.severity == "error" for finding in told)
    return Row(place.line, record if usable else None, told, tuple(once))
