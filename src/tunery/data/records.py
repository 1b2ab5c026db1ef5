"""What a row of data can be: one type for each way to learn from it.

`Conversation` is learned by imitation (SFT). The others hold what a method of theirs needs; each
is a plain value with the place that it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunery.data.conversation import Conversation, Message

Kind = Literal["sft", "preference", "reinforcement", "judged", "text"]
"""What can be done with rows: imitate, prefer one answer to another (DPO), be graded (RFT), learn
from a thumb up or down (KTO), or continue plain text."""


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to one prompt, one better than the other.

    Attributes:
        prompt: The turns before the answer.
        chosen: The better answer, one turn or more.
        rejected: The worse one.
        file: Path of the file, as the user gave it.
        line: Line in that file, from 1.
        tools: As in `Conversation`.
        parallel_tool_calls: As in `Conversation`.
    """

    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    file: str = ""
    line: int = 0
    tools: str = ""
    parallel_tool_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """A prompt, and what a grader needs to judge an answer to it.

    Attributes:
        prompt: The turns that the model answers.
        item: JSON text of an object with the row's other keys, which graders read as `item`.
        file: Path of the file, as the user gave it.
        line: Line in that file, from 1.
        tools: As in `Conversation`.
        parallel_tool_calls: As in `Conversation`.
    """

    prompt: tuple[Message, ...]
    item: str
    file: str = ""
    line: int = 0
    tools: str = ""
    parallel_tool_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer to a prompt, and whether it was good.

    Attributes:
        prompt: The turns before the answer.
        completion: The answer, one turn or more.
        good: Whether people wanted it.
        file: Path of the file, as the user gave it.
        line: Line in that file, from 1.
    """

    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    good: bool
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text to continue, without turns.

    Attributes:
        text: The text.
        file: Path of the file, as the user gave it.
        line: Line in that file, from 1.
    """

    text: str
    file: str = ""
    line: int = 0


Record = Conversation | Preference | Reinforcement | Judged | Text

KIND_OF: dict[type, Kind] = {
    Conversation: "sft",
    Preference: "preference",
    Reinforcement: "reinforcement",
    Judged: "judged",
    Text: "text",
}
