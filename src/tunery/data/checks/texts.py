"""The turns and texts of a record, whatever its kind.

Every check of a row asks for the same few things, so those of the last record are kept.
"""

from __future__ import annotations

from tunery.data.conversation import Conversation, Message
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text

Turns = tuple[Message, ...]


class _Look:
    """What checks ask of one record, found out once."""

    __slots__ = ("answer", "data", "last_user", "learned", "prompt", "record", "text")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.prompt = _prompt(record)
        self.learned = _learned(record)
        if isinstance(record, Conversation):
            at = len(self.prompt)
            self.answer = record.messages[at].content if at < len(record.messages) else ""
        else:
            self.answer = self.learned[-1].content if self.learned else ""
        self.last_user = ""
        for turn in reversed(self.prompt):
            if turn.role == "user":
                self.last_user = turn.content
                break
        self.text = "\n".join([turn.content for turn in turns_of(record)])
        for turn in turns_of(record):
            if turn.tool_calls:
                self.text += "".join(f"\n{call.arguments}" for call in turn.tool_calls)
        if isinstance(record, Reinforcement):
            self.text += f"\n{record.item}"
        self.data = self.text.encode("utf-8", "replace")


def _prompt(record: Record) -> Turns:
    if not isinstance(record, Conversation):
        return () if isinstance(record, Text) else record.prompt
    messages = record.messages
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "assistant":
            return messages[:at]
    return messages


def _learned(record: Record) -> Turns:
    if isinstance(record, Conversation | Text):
        turns = turns_of(record)
        return tuple([turn for turn in turns if turn.role == "assistant" and turn.weight != 0])
    if isinstance(record, Preference):
        return record.chosen
    if isinstance(record, Judged):
        return record.completion if record.good else ()
    return ()


_last: _Look | None = None


def _look(record: Record) -> _Look:
    global _last
    if _last is None or _last.record is not record:
        _last = _Look(record)
    return _last


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
    return _look(record).learned


def prompt_of(record: Record) -> Turns:
    """The turns that come before the last answer."""
    return _look(record).prompt


def answer_of(record: Record) -> str:
    """The text of the last answer; empty if nothing is learned."""
    return _look(record).answer


def tools_of(record: Record) -> str:
    """The JSON text of the tools that may be called; empty if there are none."""
    return "" if isinstance(record, Judged | Text) else record.tools


def last_user_text(record: Record) -> str:
    """The last user turn before the answer; empty if there is none."""
    return _look(record).last_user


def whole_text(record: Record) -> tuple[str, bytes]:
    """All that the row says, for quick looks: its text, and the same in UTF-8.

    Half characters become `?` in the bytes.
    """
    look = _look(record)
    return look.text, look.data
