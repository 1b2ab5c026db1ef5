"""A held-out row as a question with a known answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunery.data.conversation import Conversation, Message


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model is asked, and what it should say.

    Attributes:
        prompt: The turns before the answer.
        reference: The right answer.
        file: Path of the file that the row came from.
        line: Line in that file, from 1.
    """

    prompt: tuple[Message, ...]
    reference: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class UnusedRow:
    """A held-out row on which the models are not compared.

    Attributes:
        file: Path of the file that the row came from.
        line: Line in that file, from 1.
        reason: Why, one sentence.
    """

    file: str
    line: int
    reason: str


def samples_from(
    conversations: Iterable[Conversation], limit: int | None = None
) -> tuple[list[Sample], list[UnusedRow]]:
    """Splits each conversation into prompt and reference, its last assistant turn.

    Turns after that one are not used.

    Args:
        conversations: The held-out rows.
        limit: Use this many at most; the others are listed.

    Returns:
        The samples and the rows that are none, each in the order of the conversations; together
        they are as many as the conversations.
    """
    samples: list[Sample] = []
    unused: list[UnusedRow] = []
    for row in conversations:
        reason = _why_unusable(row)
        if not reason and limit is not None and len(samples) >= limit:
            reason = f"It stands behind the first {limit}, to which the comparison was limited."
        if reason:
            unused.append(UnusedRow(row.file, row.line, reason))
        else:
            samples.append(Sample(row.prompt, row.answer, row.file, row.line))
    return samples, unused


def _why_unusable(row: Conversation) -> str:
    if all(turn.role != "assistant" for turn in row.messages):
        return "No turn is the assistant's, so there is no answer to compare with."
    if not row.prompt:
        return "There is no turn before the answer, so there is nothing to ask."
    if not row.answer.strip():
        return "The answer of the last assistant turn is empty."
    return ""
