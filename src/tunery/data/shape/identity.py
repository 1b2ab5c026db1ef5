"""When two rows ask the same, and when they say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from tunery.data.conversation import Conversation, Message
from tunery.data.records import Judged, Preference, Record, Text

DIGEST_BYTES = 16


def question_of(record: Record) -> tuple[object, ...]:
    """What makes two rows the same question; the whole row where nothing is asked.

    Tool calls in a prompt are not compared: rows that differ in no more stay together.
    """
    if isinstance(record, Text):
        return (record.text,)
    prompt = _texts(record.prompt)
    if any(role not in ("system", "developer") for role, _ in prompt):
        return prompt
    return _texts([*_all_turns(record)])


def content_of(record: Record) -> bytes:
    """Digest of all that is learned from a row; its place, and keys beside it, do not count."""
    content: tuple[object, ...]
    if isinstance(record, Text):
        content = (record.text,)
    elif isinstance(record, Judged):
        content = (_turns(record.prompt), _turns(record.completion), record.good)
    else:
        shared = (record.tools, record.parallel_tool_calls)
        if isinstance(record, Conversation):
            content = (_turns(record.messages), *shared)
        elif isinstance(record, Preference):
            turns = (_turns(record.prompt), _turns(record.chosen), _turns(record.rejected))
            content = (*turns, *shared)
        else:
            content = (_turns(record.prompt), record.item, *shared)
    text = repr((type(record).__name__, content))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def answer_of(record: Record) -> str:
    """The text that answers a row's question; empty if the row has none."""
    if isinstance(record, Conversation):
        return record.answer
    turns: Sequence[Message] = ()
    if isinstance(record, Preference):
        turns = record.chosen
    elif isinstance(record, Judged):
        turns = record.completion
    return "\n".join(message.content for message in turns)


def _all_turns(record: Record) -> Iterable[Message]:
    if isinstance(record, Conversation):
        return record.messages
    if isinstance(record, Preference):
        return (*record.prompt, *record.chosen)
    if isinstance(record, Judged):
        return (*record.prompt, *record.completion)
    return () if isinstance(record, Text) else record.prompt


def _texts(messages: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((message.role, message.content) for message in messages)


def _turns(messages: Sequence[Message]) -> tuple[tuple[object, ...], ...]:
    return tuple(
        (m.role, m.content, m.loss_weight, _calls(m), m.tool_call_id, m.name) for m in messages
    )


def _calls(message: Message) -> tuple[tuple[str, str, str], ...]:
    return tuple((call.name, call.arguments, call.id) for call in message.tool_calls)
