"""The turns and texts of a record, whatever its kind."""

from __future__ import annotations

from tunery.data.conversation import Conversation, Message
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text

Turns = tuple[Message, ...]


def turns_of(record: Record) -> Turns:
    """Every turn; a plain text is one turn of the assistant, since it is learned."""
    if isinstance(record, Conversation):
        return record.messages
    if isinstance(record, Preference):
        return record.prompt + record.chosen + record.rejected
    if isinstance(record, Judged):
        return record.prompt + record.completion
    if isinstance(record, Reinforcement):
        return record.prompt
    return (Message("assistant", record.text),)


def learned_turns(record: Record) -> Turns:
    """The turns that the model is taught to write, or to prefer."""
    if isinstance(record, Conversation | Text):
        return tuple(turn for turn in turns_of(record) if turn.loss_weight)
    if isinstance(record, Preference):
        return record.chosen
    if isinstance(record, Judged):
        return record.completion if record.good else ()
    return ()


def prompt_of(record: Record) -> Turns:
    """The turns that come before the last answer."""
    return () if isinstance(record, Text) else record.prompt


def answer_of(record: Record) -> str:
    """The text of the last learned turn; empty if nothing is learned."""
    if isinstance(record, Conversation):
        return record.answer
    turns = learned_turns(record)
    return turns[-1].content if turns else ""


def tools_of(record: Record) -> str:
    """The JSON text of the tools that may be called; empty if there are none."""
    return "" if isinstance(record, Judged | Text) else record.tools


def last_user_text(record: Record) -> str:
    """The last user turn before the answer; empty if there is none."""
    for turn in reversed(prompt_of(record)):
        if turn.role == "user":
            return turn.content
    return ""


_seen: tuple[Record, str, bytes] | None = None


def whole_text(record: Record) -> tuple[str, bytes]:
    """All that the row says, for quick looks: its text, and the same in UTF-8.

    The last answer is kept, since every row check asks for it. Half characters become `?` in the
    bytes.
    """
    global _seen
    if _seen is not None and _seen[0] is record:
        return _seen[1], _seen[2]
    pieces = [turn.content for turn in turns_of(record)]
    for turn in turns_of(record):
        if turn.tool_calls:
            pieces += [call.arguments for call in turn.tool_calls]
    if isinstance(record, Reinforcement):
        pieces.append(record.item)
    text = "\n".join(pieces)
    data = text.encode("utf-8", "replace")
    _seen = record, text, data
    return text, data
