"""Records as TRL's formats: language modelling, preference, and judged answers (KTO).

TRL has no loss weights, so a turn that is not to be learned has no place. `parallel_tool_calls` is
a column that TRL leaves alone.
"""

from __future__ import annotations

from tunery.data.conversation import Conversation, Message
from tunery.data.convert.openai import message_object, tool_keys
from tunery.data.convert.target import CannotHoldError, Object, Writer, Writers
from tunery.data.formats.json_text import json_text, parsed
from tunery.data.records import Judged, Preference, Text


def _learned(messages: tuple[Message, ...]) -> list[Object]:
    """Messages of which every answer is learned."""
    if any(message.role == "assistant" and not message.loss_weight for message in messages):
        raise CannotHoldError("an answer has weight 0, and TRL has no weights")
    return [_message(message) for message in messages]


def _message(message: Message) -> Object:
    """A message with the arguments of its calls as objects, which is what templates want.

    Arguments that would come back as another text stay a text.
    """
    held = message_object(message)
    held.pop("weight", None)
    calls = held.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call["function"]
        arguments = parsed(function["arguments"])
        if isinstance(arguments, dict) and json_text(arguments) == function["arguments"]:
            function["arguments"] = arguments
    return held


def _conversation(record: Conversation) -> Object:
    return {"messages": _learned(record.messages), **tool_keys(record)}


def _preference(record: Preference) -> Object:
    return {
        "prompt": [_message(message) for message in record.prompt],
        "chosen": _learned(record.chosen),
        "rejected": _learned(record.rejected),
        **tool_keys(record),
    }


def _judged(record: Judged) -> Object:
    return {
        "prompt": [_message(message) for message in record.prompt],
        "completion": _learned(record.completion),
        "label": record.good,
    }


def _text(record: Text) -> Object:
    return {"text": record.text}


WRITERS: Writers = {
    "sft": Writer(_conversation, "chat"),
    "preference": Writer(_preference, "preference"),
    "judged": Writer(_judged, "kto"),
    "text": Writer(_text, "text"),
}
