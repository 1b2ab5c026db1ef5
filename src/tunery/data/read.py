"""A data file to conversations, with a reason for every row that is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TextIO

from tunery.config.data import ColumnMapping, FormatName
from tunery.data.conversation import Conversation, Message
from tunery.data.detect import Detected, detect_format
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat import read_chat
from tunery.data.formats.csv_table import open_table
from tunery.data.formats.jsonl import refuse_array
from tunery.data.formats.prompt_completion import read_prompt_completion
from tunery.data.formats.row import Row
from tunery.data.text_file import open_text
from tunery.data.wording import quote
from tunery.errors import DataError

_JSON_FORMATS = {"chat": read_chat, "prompt_completion": read_prompt_completion}

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_PLACEHOLDER = re.compile(r"\{\{\s*[A-Za-z_][\w.]{0,40}\s*\}\}")


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a data file holds.

    Attributes:
        rows: The rows that can be used, in the order of the file.
        findings: Everything wrong or odd, in the order of the file. A row with an "error" is
            not among `rows`; a row with only warnings is.
        total: Rows in the file; `len(rows)` plus the rows that have an error.
        format: The format that was read.
        format_reason: Why this format, and how it was understood.
    """

    rows: tuple[Conversation, ...]
    findings: tuple[Finding, ...]
    total: int
    format: FormatName
    format_reason: str

    @property
    def left_out(self) -> int:
        """Rows that have an error."""
        return self.total - len(self.rows)


def read_conversations(
    path: str | PathLike[str],
    *,
    format: FormatName = "auto",
    columns: ColumnMapping | None = None,
    system: str | None = None,
) -> ReadResult:
    """Reads a file, checks every row, and lists what is wrong with it.

    Args:
        path: A UTF-8 file.
        format: Its format; "auto" decides by the ending and the keys of the first rows.
        columns: Columns of a CSV file; by default `prompt`, `completion` and, if there is one,
            `system`.
        system: System prompt put before rows that have none.

    Raises:
        NotFoundError: There is no such file.
        DataError: The file as a whole cannot be used: not readable, without rows, a JSON array,
            UTF-16, a CSV header without the columns, or of a format that cannot be told.
    """
    path = Path(path)
    if format == "auto":
        with open_text(path, "\n") as lines:
            detected = detect_format(path, lines)
    else:
        detected = Detected(format, "as given")
    if detected.format != "csv":
        with open_text(path, "\n") as lines:
            refuse_array(lines, path)
    # Cells of a CSV file may hold line breaks of any kind, which `csv` wants untranslated.
    with open_text(path, "" if detected.format == "csv" else "\n") as lines:
        rows, note = _rows_of(lines, str(path), detected.format, columns)
        collected = _collect(rows, str(path), system)
    if not collected.total:
        raise DataError(f"{path} holds no rows; expected at least one.", "Put rows into the file.")
    if columns is not None and detected.format != "csv":
        collected.findings.insert(0, _columns_unused(str(path), detected.format))
    return ReadResult(
        rows=tuple(collected.rows),
        findings=tuple(collected.findings),
        total=collected.total,
        format=detected.format,
        format_reason=f"{detected.reason}; {note}" if note else detected.reason,
    )


@dataclass(slots=True)
class _Collected:
    """What has been read so far."""

    rows: list[Conversation] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    total: int = 0


def _rows_of(
    lines: TextIO, file: str, format: FormatName, columns: ColumnMapping | None
) -> tuple[Iterable[Row], str]:
    """The rows, and how the file was understood."""
    if format != "csv":
        return _JSON_FORMATS[format](lines, file), ""
    if columns is None:
        table = open_table(lines, file)
    else:
        table = open_table(
            lines,
            file,
            prompt=columns.prompt,
            completion=columns.completion,
            system=columns.system,
        )
    return table.rows, table.note


def _collect(rows: Iterable[Row], file: str, system: str | None) -> _Collected:
    """Does what needs to see more than one row: counting, duplicates, findings told once."""
    collected = _Collected()
    first_lines: dict[tuple[object, ...], int] = {}
    once: dict[tuple[str, str], tuple[Finding, int]] = {}
    for row in rows:
        collected.total += 1
        place = Place(file, row.line)
        findings = [*row.findings, *_half_characters(row.messages, place)]
        shared = list(row.once)
        if not any(finding.severity == "error" for finding in findings):
            messages = _with_system(row.messages, system)
            key = tuple((m.role, m.content, m.loss_weight) for m in messages)
            earlier = first_lines.setdefault(key, row.line)
            if earlier != row.line:
                findings.append(_duplicate(earlier, place))
            shared += _placeholders(messages, place)
            collected.rows.append(Conversation(messages, file, row.line))
        collected.findings += findings
        for finding in shared:
            first, count = once.get((finding.code, finding.message), (finding, 0))
            once[finding.code, finding.message] = first, count + 1
    for first, count in once.values():
        rows_told = "1 row" if count == 1 else f"{count} rows, this is the first"
        collected.findings.append(replace(first, message=f"{first.message} (in {rows_told})"))
    collected.findings.sort(key=lambda finding: finding.line)
    return collected


def _with_system(messages: tuple[Message, ...], system: str | None) -> tuple[Message, ...]:
    if not system or any(message.role in ("system", "developer") for message in messages):
        return messages
    return (Message("system", system), *messages)


def _half_characters(messages: tuple[Message, ...], place: Place) -> list[Finding]:
    r"""JSON can write half an emoji as "\ud83d", which no tokenizer can encode."""
    return [
        place.found(
            "text.half_character",
            f"the {message.role} turn holds half a character, \\u{ord(half[0]):04x}",
            "The text was cut inside an emoji or other rare character; repair or remove it.",
        )
        for message in messages
        if (half := _LONE_SURROGATE.search(message.content))
    ]


def _placeholders(messages: tuple[Message, ...], place: Place) -> list[Finding]:
    names = {
        name: None
        for message in messages
        if message.loss_weight
        for name in _PLACEHOLDER.findall(message.content)
    }
    return [
        place.found(
            "text.placeholder",
            f"an answer holds the placeholder {quote(name)}; the model will learn to write it",
            "Fill it in, if it was meant to be filled in.",
        )
        for name in names
    ]


def _duplicate(earlier: int, place: Place) -> Finding:
    return place.found(
        "row.duplicate",
        f"the row says the same as line {earlier}",
        "Remove one of them, unless it is meant to count twice.",
    )


def _columns_unused(file: str, format: FormatName) -> Finding:
    return Place(file, 0).found(
        "file.columns_unused",
        f"columns were named, but the format is {format}; only CSV files have columns",
        "Remove the columns, or give the format csv.",
    )
