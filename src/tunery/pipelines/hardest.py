"""The training rows that stayed hardest: where wrong labels are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunery.data.conversation import Conversation
from tunery.evaluate.about import HardRow
from tunery.models.token_row import TokenRow

LISTED = 10
"""Rows that are reported."""

SHOWN = 80
"""Characters of a text that are shown."""


def hardest_rows(
    steps: Sequence[Mapping[str, Any]],
    rows: Sequence[TokenRow],
    conversations: Mapping[str, Conversation],
) -> tuple[HardRow, ...]:
    """Rows with the highest loss when they were last trained, the highest first.

    Each epoch trains each row once, so for a whole training this is the last epoch. A row's loss
    is of the weights before its step's update.

    Args:
        steps: The events of all steps, in order, those before a resume included.
        rows: The training rows.
        conversations: The same as text, by place.
    """
    last: dict[int, float] = {}
    for step in steps:
        last.update(zip(step["row_numbers"], step["row_losses"], strict=True))
    worst = sorted(last, key=lambda number: (-last[number], number))[:LISTED]
    return tuple(_row(rows[number], last[number], conversations) for number in worst)


def _row(row: TokenRow, loss: float, conversations: Mapping[str, Conversation]) -> HardRow:
    conversation = conversations[row.place]
    asked = conversation.prompt[-1].content if conversation.prompt else ""
    return HardRow(row.place, loss, _start(asked), _start(_said(conversation)))


def _said(conversation: Conversation) -> str:
    """The answer with its calls, as a person reads them."""
    turn = conversation.answer_turn
    calls = [f"{call.name}({call.arguments})" for call in turn.tool_calls] if turn else []
    return " ".join([conversation.answer, *calls])


def _start(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
