"""Seed examples: rows of the user's own that show the teacher what is wanted."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tunery.data.conversation import Conversation, Message
from tunery.data.read import read_conversations
from tunery.errors import DataError

EXAMPLES_SHOWN = 4
"""Seeds that one request shows: enough for a style, few enough that requests differ."""


@dataclass(frozen=True, slots=True)
class Example:
    """A row as a teacher is shown it.

    Attributes:
        prompt: What comes before the answer, but for a system prompt; turns on lines of their own.
        answer: The last turn of the assistant's; its calls as JSON if it makes some.
        place: File and line.
    """

    prompt: str
    answer: str
    place: str


def read_examples(path: Path) -> tuple[Example, ...]:
    """Reads seed rows of any format that ends in conversations.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be used, or a row in it cannot.
    """
    result = read_conversations(path)
    for finding in result.findings:
        if finding.severity == "error":
            raise DataError(f"{path}, line {finding.line}: {finding.message}.", finding.hint)
    return tuple(example_of(row) for row in result.rows)


def example_of(row: Conversation) -> Example:
    """The question and the answer of a conversation, as texts that can be compared."""
    asked = [turn.content for turn in row.prompt if turn.role not in ("system", "developer")]
    answers = [turn for turn in row.messages if turn.role == "assistant"]
    return Example("\n".join(asked), _said(answers[-1]) if answers else "", row.place)


def _said(turn: Message) -> str:
    calls = [{"name": call.name, "arguments": call.arguments} for call in turn.tool_calls]
    return json.dumps(calls, ensure_ascii=False) if calls else turn.content


def choose(examples: Sequence[Example], ordinal: int, seed: int) -> tuple[Example, ...]:
    """The examples that a request shows, the same ones each time for the same request.

    Args:
        examples: All of them.
        ordinal: Number of the request.
        seed: Of the run.
    """
    chance = random.Random(f"{seed}:{ordinal}")
    return tuple(chance.sample(examples, min(EXAMPLES_SHOWN, len(examples))))
