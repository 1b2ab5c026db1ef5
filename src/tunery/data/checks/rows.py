"""The checks of one row, in the order in which their findings are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tunery.data.checks.length import check_length
from tunery.data.checks.preference import check_preference
from tunery.data.checks.privacy import check_privacy
from tunery.data.checks.text import (
    check_answer,
    check_characters,
    check_control_tokens,
    check_placeholders,
)
from tunery.data.checks.tool_calls import check_tool_calls
from tunery.data.findings import Finding, Place
from tunery.data.records import Record

RowCheck = Callable[[Record, Place], Iterable[Finding]]

ROW_CHECKS: tuple[RowCheck, ...] = (
    check_characters,
    check_control_tokens,
    check_placeholders,
    check_answer,
    check_tool_calls,
    check_preference,
    check_privacy,
    check_length,
)

TOLD_ONCE = frozenset(
    {
        "text.control_token",
        "text.placeholder",
        "text.invisible",
        "tools.bad_parameters",
    }
)
"""Codes whose message says the same in many rows: told once a file, with the number of rows."""
