"""A held-out row as a question with a known answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tunery.data.conversation import Conversation, Message, Prompt
from tunery.errors import UserError


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model is asked, and what it should say.

    Attributes:
        prompt: The turns before the answer.
        reference: The right answer.
        file: Path of the file that the row came from.
        line: Line in that file, from 1.
        tools: What the model may call, as in `Conversation`.
    """

    prompt: tuple[Message, ...]
    reference: str
    file: str = ""
    line: int = 0
    tools: str = ""

    @property
    def question(self) -> Prompt:
        """What the model is asked."""
        return Conversation(self.prompt, tools=self.tools)


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
    conversations: Iterable[Conversation],
    limit: int | None = None,
    *,
    written: Callable[[Conversation], str] | None = None,
) -> tuple[list[Sample], list[UnusedRow]]:
    """Splits each conversation into prompt and reference, its last assistant turn.

    Turns after that one are not used.

    Args:
        conversations: The held-out rows.
        limit: Use this many at most; the others are listed.
        written: Gives an answer that calls tools as the model would write it, or raises
            `UserError`; without it, rows with such answers are listed.

    Returns:
        The samples and the rows that are none, each in the order of the conversations; together
        they are as many as the conversations.
    """
    samples: list[Sample] = []
    unused: list[UnusedRow] = []
    for row in conversations:
        reason, reference = _why_unusable(row), row.answer
        if not reason and limit is not None and len(samples) >= limit:
            reason = f"It stands behind the first {limit}, to which the comparison was limited."
        if not reason and row.answer_turn and row.answer_turn.tool_calls:
            reference, reason = _with_calls(row, written)
        if reason:
            unused.append(UnusedRow(row.file, row.line, reason))
        else:
            samples.append(Sample(row.prompt, reference, row.file, row.line, row.tools))
    return samples, unused


def _with_calls(
    row: Conversation, written: Callable[[Conversation], str] | None
) -> tuple[str, str]:
    """The answer of a row that calls tools; or why it cannot be written."""
    if written is None:
        return "", "The answer calls tools, which is not compared here."
    try:
        return written(row), ""
    except UserError as error:
        return "", str(error)


def _why_unusable(row: Conversation) -> str:
    answer = row.answer_turn
    if answer is None:
        return "No turn is the assistant's, so there is no answer to compare with."
    if not row.prompt:
        return "There is no turn before the answer, so there is nothing to ask."
    if not answer.content.strip() and not answer.tool_calls:
        return "The answer of the last assistant turn is empty."
    return ""
