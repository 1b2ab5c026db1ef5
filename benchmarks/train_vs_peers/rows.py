"""The rows of a data file in the one form that all sides read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.train_vs_peers.cases import Source
from benchmarks.train_vs_peers.converters import Row, read_alpaca, read_tool_calls
from tunery.data.conversation import Conversation
from tunery.data.read import read_conversations
from tunery.errors import DataError


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """Rows that were written for all sides.

    Attributes:
        count: Rows written: all that can be used.
        left_out: Rows of the data file that cannot be used.
    """

    count: int
    left_out: int


def prepare_rows(data: Path, source: Source, at_least: int, target: Path) -> PreparedRows:
    """Writes the usable rows of a data file as chat JSONL.

    The peers learn one assistant turn a row, so each row ends with its last one, and earlier ones
    get weight 0: all sides then train the same tokens.

    Args:
        data: The file.
        source: How its rows are read.
        at_least: Rows that are needed.
        target: Where to.

    Raises:
        NotFoundError: The data file is not there.
        DataError: It cannot be read, or has fewer usable rows.
    """
    rows, total = _read(data, source)
    if len(rows) < at_least:
        raise DataError(
            f"{data} has {len(rows)} usable rows of {total}, expected at least {at_least}.",
            "Ask for fewer rows with --rows.",
        )
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    target.write_text("".join(line + "\n" for line in lines), "utf-8")
    return PreparedRows(len(rows), total - len(rows))


def _read(data: Path, source: Source) -> tuple[Sequence[Row], int]:
    """The usable rows, and how many there are in all."""
    if source == "file":
        read = read_conversations(data)
        return [_chat_row(row) for row in read.rows if row.answer], read.total
    rows = read_tool_calls(data) if source == "tool_calls" else read_alpaca(data)
    return rows, len(rows)


def _chat_row(row: Conversation) -> Row:
    messages: list[dict[str, Any]] = []
    for message in row.prompt:
        turn: dict[str, Any] = {"role": message.role, "content": message.content}
        messages.append({**turn, "weight": 0} if message.role == "assistant" else turn)
    messages.append({"role": "assistant", "content": row.answer, "weight": 1})
    return {"messages": messages}
