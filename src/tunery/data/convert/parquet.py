"""Records as columns of a Parquet file: TRL's names, with weights, and tools as JSON text.

Parquet wants one type for a column, and no two tools have the same parameters; so `tools` and the
arguments of calls are JSON text, which both Tunery and TRL read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunery.data.conversation import Conversation, Message
from tunery.data.convert.openai import message_object
from tunery.data.convert.target import Object, Writer, Writers
from tunery.data.records import Judged, Kind, Preference, Text

if TYPE_CHECKING:
    import pyarrow  # type: ignore[import-untyped]


def _messages(messages: tuple[Message, ...]) -> list[Object]:
    return [message_object(message) for message in messages]


def _tools(record: Conversation | Preference) -> Object:
    return {"tools": record.tools or None, "parallel_tool_calls": record.parallel_tool_calls}


def _conversation(record: Conversation) -> Object:
    return {"messages": _messages(record.messages), **_tools(record)}


def _preference(record: Preference) -> Object:
    return {
        "prompt": _messages(record.prompt),
        "chosen": _messages(record.chosen),
        "rejected": _messages(record.rejected),
        **_tools(record),
    }


def _judged(record: Judged) -> Object:
    return {
        "prompt": _messages(record.prompt),
        "completion": _messages(record.completion),
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


def schema_of(kind: Kind) -> pyarrow.Schema:
    """The columns of a file that holds records of this kind."""
    import pyarrow as pa

    text = pa.string()
    function = pa.struct({"name": text, "arguments": text})
    call = pa.struct({"id": text, "type": text, "function": function})
    message = pa.struct(
        {
            "role": text,
            "content": text,
            "tool_calls": pa.list_(call),
            "tool_call_id": text,
            "name": text,
            "weight": pa.int8(),
        }
    )
    turns = pa.list_(message)
    tools = {"tools": text, "parallel_tool_calls": pa.bool_()}
    columns: dict[Kind, dict[str, pyarrow.DataType]] = {
        "sft": {"messages": turns, **tools},
        "preference": {"prompt": turns, "chosen": turns, "rejected": turns, **tools},
        "judged": {"prompt": turns, "completion": turns, "label": pa.bool_()},
        "text": {"text": text},
    }
    return pa.schema(columns[kind])
