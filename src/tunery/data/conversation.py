"""The one form in which a row of data travels through the house."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: Who speaks.
        content: The text, possibly empty.
        weight: Loss weight of an assistant turn: 1 trains it, 0 leaves it out; None means 1.
    """

    role: Role
    content: str
    weight: float | None = None

    @property
    def loss_weight(self) -> float:
        """The weight that training uses: 0 for every role but the assistant's."""
        if self.role != "assistant":
            return 0.0
        return 1.0 if self.weight is None else self.weight

    def as_template_dict(self) -> dict[str, Any]:
        """The mapping that a chat template reads."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row of data: the turns, and the place that it came from.

    Attributes:
        messages: The turns in order; the last one is normally the assistant's.
        file: Path of the file, as the user gave it.
        line: Line in that file, from 1.
    """

    messages: tuple[Message, ...]
    file: str = ""
    line: int = 0

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The turns before the final assistant turn."""
        last = self.messages[-1] if self.messages else None
        return self.messages[:-1] if last and last.role == "assistant" else self.messages

    @property
    def answer(self) -> str:
        """The text of the final assistant turn; empty if there is none."""
        last = self.messages[-1] if self.messages else None
        return last.content if last and last.role == "assistant" else ""
