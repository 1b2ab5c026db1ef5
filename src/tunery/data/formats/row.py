"""What every format makes of one row of its file."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.data.conversation import Message
from tunery.data.findings import Finding


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file, usable or not.

    Attributes:
        line: Line on which the row starts, from 1.
        messages: The turns that could be read; all of them if no finding is an error.
        findings: What is wrong or odd in this row.
        once: Findings about something that many rows share, such as a key that is not used:
            they are told once a file, at the first row, with the number of rows.
    """

    line: int
    messages: tuple[Message, ...] = ()
    findings: tuple[Finding, ...] = ()
    once: tuple[Finding, ...] = ()
