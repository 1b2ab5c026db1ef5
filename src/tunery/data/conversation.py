"""The one form in which a row of data travels through the house."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "developer", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the assistant makes.

    Attributes:
        name: The tool's name.
        arguments: Its arguments as the JSON text of an object.
        id: What the tool's answer names it by; empty if the row gave none.
    """

    name: str
    arguments: str
    id: str = ""

    def as_template_dict(self) -> dict[str, Any]:
        """The call as OpenAI writes it."""
        call = {
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }
        return {"id": self.id, **call} if self.id else call


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: Who speaks.
        content: The text, possibly empty.
        weight: Loss weight of an assistant turn: 1 trains it, 0 leaves it out; None means 1.
        tool_calls: The calls of an assistant turn.
        tool_call_id: Which call a tool turn answers; empty if the row does not say.
        name: The speaker's or the tool's name; empty if none.
    """

    role: Role
    content: str
    weight: float | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""

    @property
    def loss_weight(self) -> float:
        """The weight that training uses: 0 for every role but the assistant's."""
        if self.role != "assistant":
            return 0.0
        return 1.0 if self.weight is None else self.weight

    def as_template_dict(self) -> dict[str, Any]:
        """The turn as OpenAI writes it; arguments of calls are JSON text."""
        turn: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.name:
            turn["name"] = self.name
        if self.tool_call_id:
            turn["tool_call_id"] = self.tool_call_id
        if self.tool_calls:
            turn["tool_calls"] = [call.as_template_dict() for call in self.tool_calls]
        return turn


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row of data: the turns, and the place that it came from.

    Attributes:
        messages: The turns in order; the last one is normally the assistant's. What follows the
            last assistant turn is context that nothing is learned from.
        file: Path of the file, as the user gave it.
        line: Line in that file, from 1.
        tools: What the assistant may call: the JSON text of OpenAI's `tools` list, the same text
            for equal lists; empty if there are none.
        parallel_tool_calls: Whether one turn may hold several calls; None if the row is silent.
    """

    messages: tuple[Message, ...]
    file: str = ""
    line: int = 0
    tools: str = ""
    parallel_tool_calls: bool | None = None

    @property
    def place(self) -> str:
        """File and line, as in `train.jsonl:12`; empty if the row is from no file."""
        return f"{self.file}:{self.line}" if self.file else ""

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The turns before the last assistant turn; all of them if there is none."""
        at = self._answer_index()
        return self.messages if at is None else self.messages[:at]

    @property
    def answer(self) -> str:
        """The text of the last assistant turn, without its calls; empty if there is none."""
        turn = self.answer_turn
        return "" if turn is None else turn.content

    @property
    def answer_turn(self) -> Message | None:
        """The last assistant turn; None if there is none."""
        at = self._answer_index()
        return None if at is None else self.messages[at]

    def _answer_index(self) -> int | None:
        roles = [message.role for message in self.messages]
        return len(roles) - 1 - roles[::-1].index("assistant") if "assistant" in roles else None


Prompt = Sequence[Message] | Conversation
"""What a model is asked: turns, or a conversation where there are tools."""


def as_conversation(prompt: Prompt) -> Conversation:
    """A prompt as a conversation."""
    return prompt if isinstance(prompt, Conversation) else Conversation(tuple(prompt))
