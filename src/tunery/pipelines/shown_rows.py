"""Rows of a file that a person wants to see."""

from __future__ import annotations

from collections.abc import Iterator

from tunery.data.file import DataFile
from tunery.data.findings import Finding
from tunery.errors import DataError
from tunery.models.chat_template import ChatTemplate
from tunery.pipelines.profile import trained_conversation
from tunery.pipelines.shown_row import ShownRow, show_row


def rows_to_show(
    file: DataFile, template: ChatTemplate, number: int, line: int | None = None
) -> Iterator[ShownRow]:
    """The first rows of a file, or those on one line of it, rendered.

    Args:
        file: How it is read.
        template: Renders them.
        number: Most rows.
        line: Only rows that start on this line.

    Raises:
        DataError: There is no such row, or it cannot be used.
    """
    shown = 0
    for row in file.rows():
        if line is not None and row.line < line:
            continue
        if shown == number or (line is not None and row.line > line):
            break
        conversation = None if row.record is None else trained_conversation(row.record)
        if conversation is not None:
            shown += 1
            yield show_row(conversation, template)
        elif line is not None:
            raise DataError(
                f"The row on line {line} of {file.path} cannot be used: {_why(row.findings)}.",
                "Run `tunery data check` for all that is wrong with the file.",
            )
    if not shown:
        raise DataError(
            f"{file.path} has no row to show{'' if line is None else f' on line {line}'}; expected "
            "one that can be read as a conversation.",
            "Run `tunery data check` for what is wrong with the file.",
        )


def _why(findings: tuple[Finding, ...]) -> str:
    return "; ".join(finding.message for finding in findings) or "it is no conversation"
