"""Conversations as ShareGPT rows, calls and results as its `function_call` and `observation`.

What ShareGPT does not know (`weight`, `name`, ids that are not those its reader makes up,
`parallel_tool_calls`) stands under keys of its own, which other programs leave alone.
"""

from __future__ import annotations

import json

from tunery.data.conversation import Conversation, Message
from tunery.data.convert.openai import tool_keys
from tunery.data.convert.target import CannotHoldError, Object, Writer, Writers
from tunery.data.formats.json_text import json_text, parsed
from tunery.data.formats.sharegpt import made_up_id

_SPEAKERS = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}


def _conversation(record: Conversation) -> Object:
    turns: list[Object] = []
    waiting: list[str] = []  # ids of calls without a result so far, as the reader counts them
    for number, message in enumerate(record.messages, start=1):
        if message.role not in _SPEAKERS:
            raise CannotHoldError(f"ShareGPT has no {message.role} role")
        turn = _calls(message, number) if message.tool_calls else _said(message)
        waiting += [call.id for call in message.tool_calls]
        if message.role == "tool" and message.tool_call_id != (waiting.pop(0) if waiting else ""):
            turn["tool_call_id"] = message.tool_call_id
        if message.name:
            turn["name"] = message.name
        if message.weight is not None:
            turn["weight"] = int(message.weight)
        turns.append(turn)
    row: Object = {"conversations": turns, **tool_keys(record)}
    if record.tools:
        row["tools"] = record.tools
    return row


def _said(message: Message) -> Object:
    return {"from": _SPEAKERS[message.role], "value": message.content}


def _calls(message: Message, number: int) -> Object:
    if message.content:
        raise CannotHoldError("a turn has a text and calls, and ShareGPT has one of them")
    calls: list[Object] = []
    for which, call in enumerate(message.tool_calls):
        arguments = parsed(call.arguments)
        canonical = isinstance(arguments, dict) and json_text(arguments) == call.arguments
        held: Object = {"name": call.name, "arguments": arguments if canonical else call.arguments}
        if call.id != made_up_id(number, which):
            held["id"] = call.id
        calls.append(held)
    value = calls[0] if len(calls) == 1 else calls
    return {"from": "function_call", "value": json.dumps(value, ensure_ascii=False)}


WRITERS: Writers = {"sft": Writer(_conversation, "sharegpt")}
