"""The rows of a data file in the one form that both sides read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunery.data.conversation import Conversation
from tunery.data.read import read_conversations
from tunery.errors import DataError


@dataclass(frozen=True, slots=True)
class PreparedRows:
    """Rows that were written for both sides.

    Attributes:
        count: Rows written.
        left_out: Rows of the whole data file that cannot be used.
    """

    count: int
    left_out: int


def prepare_rows(data: Path, rows: int, target: Path) -> PreparedRows:
    """Writes the first usable rows of a data file as chat JSONL.

    The peer learns one assistant turn a row, so each row ends with its last one, and earlier ones
    get weight 0: both sides then train the same tokens.

    Args:
        data: Chat JSONL, prompt/completion JSONL or CSV.
        rows: How many.
        target: Where to.

    Raises:
        NotFoundError: The data file is not there.
        DataError: It cannot be read, or has fewer usable rows.
    """
    read = read_conversations(data)
    usable = [row for row in read.rows if row.answer]
    if len(usable) < rows:
        raise DataError(
            f"{data} has {len(usable)} usable rows of {read.total}, expected at least {rows}.",
            "Ask for fewer rows with --rows.",
        )
    lines = [json.dumps(_chat_row(row), ensure_ascii=False) for row in usable[:rows]]
    target.write_text("".join(line + "\n" for line in lines), "utf-8")
    return PreparedRows(rows, read.total - len(usable))


def _chat_row(row: Conversation) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for message in row.prompt:
        turn: dict[str, Any] = {"role": message.role, "content": message.content}
        messages.append({**turn, "weight": 0} if message.role == "assistant" else turn)
    messages.append({"role": "assistant", "content": row.answer, "weight": 1})
    return {"messages": messages}
