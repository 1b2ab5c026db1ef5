"""Records as OpenAI's formats: chat, preference and reinforcement."""

from __future__ import annotations

import json

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.convert.target import CannotHoldError, Object, Writer, Writers
from tunery.data.records import Preference, Reinforcement


def message_object(message: Message) -> Object:
    """A message as it stands in `messages`."""
    held: Object = {"role": message.role}
    calls = [_call(call) for call in message.tool_calls]
    held["content"] = None if calls and not message.content else message.content
    if calls:
        held["tool_calls"] = calls
    if message.tool_call_id:
        held["tool_call_id"] = message.tool_call_id
    if message.name:
        held["name"] = message.name
    if message.weight is not None:
        held["weight"] = int(message.weight)
    return held


def tool_keys(record: Conversation | Preference | Reinforcement) -> Object:
    """`tools` and `parallel_tool_calls`, those that the record has."""
    held: Object = {}
    if record.tools:
        held["tools"] = json.loads(record.tools)
    if record.parallel_tool_calls is not None:
        held["parallel_tool_calls"] = record.parallel_tool_calls
    return held


def _call(call: ToolCall) -> Object:
    function = {"name": call.name, "arguments": call.arguments}
    frame: Object = {"id": call.id} if call.id else {}
    return {**frame, "type": "function", "function": function}


def _chat(record: Conversation) -> Object:
    return {"messages": [message_object(m) for m in record.messages], **tool_keys(record)}


def _preference(record: Preference) -> Object:
    if not record.prompt:
        raise CannotHoldError("there is no prompt, and OpenAI's input needs one")
    messages = [message_object(m) for m in record.prompt]
    return {
        "input": {"messages": messages, **tool_keys(record)},
        "preferred_output": [message_object(m) for m in record.chosen],
        "non_preferred_output": [message_object(m) for m in record.rejected],
    }


def _reinforcement(record: Reinforcement) -> Object:
    messages = [message_object(m) for m in record.prompt]
    return {"messages": messages, **tool_keys(record), **json.loads(record.item)}


WRITERS: Writers = {
    "sft": Writer(_chat, "chat"),
    "preference": Writer(_preference, "openai_preference"),
    "reinforcement": Writer(_reinforcement, "reinforcement"),
}
