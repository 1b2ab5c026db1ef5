"""The last question to a row: would `tunery data check` use it?"""

from __future__ import annotations

from tunery.data.checks.tool_calls import check_tool_calls
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat import read_row
from tunery.data.generate.candidate import Problem

# Findings whose severity may be a warning in a file of one's own, but which no teacher is forgiven.
_REASONS = {
    "tool_calls.unknown_tool": "row.unknown_tool",
    "tool_calls.arguments_not_json": "row.arguments",
    "tool_calls.arguments_encoded_twice": "row.arguments",
    "tool_calls.arguments_not_object": "row.arguments",
    "tool_calls.arguments_break_schema": "row.arguments",
    "tool_calls.arguments_not_compared": "row.arguments",
}


def row_problem(row: dict[str, object]) -> Problem | None:
    """Why a chat row would not be used; None if it would be.

    Args:
        row: A row of OpenAI's chat format.
    """
    place = Place("", 0)
    read = read_row(row, place)
    findings = list(read.findings)
    if read.record is not None:
        findings += check_tool_calls(read.record, place)
        if half := _half_character(row):
            return half
    for finding in findings:
        if finding.severity == "error" or finding.code in _REASONS:
            return _problem(finding)
    return None


def _problem(finding: Finding) -> Problem:
    reason = _REASONS.get(finding.code, "row.invalid")
    return Problem(reason, f"{finding.message} ({finding.code})")


def _half_character(value: object) -> Problem | None:
    """JSON can write half an emoji, which no tokenizer can encode."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return Problem("row.invalid", "a text holds half a character (a lone surrogate)")
        return None
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for part in inner if (found := _half_character(part))), None)
