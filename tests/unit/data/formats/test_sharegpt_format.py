import json
from typing import Any

import pytest

from tunery.data.conversation import ToolCall
from tunery.data.findings import Place
from tunery.data.formats.row import Row
from tunery.data.formats.sharegpt import read_row

USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}


def read(value: dict[str, Any]) -> Row:
    return read_row(value, Place("", 0))


def codes(row: Row) -> list[str]:
    return [finding.code for finding in (*row.findings, *row.once)]


def test_calls_of_sharegpt() -> None:
    calls = [
        {"name": "f", "arguments": {"a": 1}},
        {"name": "g", "arguments": "{}", "id": "mine"},
    ]
    value = {
        "conversations": [
            {"from": "human", "value": "Hi"},
            {"from": "function_call", "value": json.dumps(calls)},
            {"from": "observation", "value": "one"},
            {"from": "observation", "value": "two"},
            {"from": "gpt", "value": "Hello"},
        ],
        "tools": '[{"name": "f"}, {"name": "g"}]',
    }
    row = read(value)
    assert codes(row) == []
    assert row.record.messages[1].tool_calls == (
        ToolCall("f", '{"a": 1}', "call_2"),
        ToolCall("g", "{}", "mine"),
    )
    assert [m.tool_call_id for m in row.record.messages[2:4]] == ["call_2", "mine"]
    assert [tool["function"]["name"] for tool in json.loads(row.record.tools)] == ["f", "g"]


@pytest.mark.parametrize(
    ("turns", "code"),
    [
        ([{"from": "function_call", "value": "[]"}], "sharegpt.bad_call"),
        ([{"from": "function_call", "value": "f(x)"}], "sharegpt.bad_call"),
        ([{"from": "function_call", "value": '{"arguments": {}}'}], "chat.call_without_name"),
        ([{"from": "gpt"}], "chat.content_null"),
        ([{"from": "choir", "value": "la"}], "chat.unknown_role"),
        ([{"from": 3, "value": "la"}], "chat.unknown_role"),
        (["Hi"], "chat.message_not_object"),
        ([{"from": "human", "value": "Hi"}], "chat.no_assistant"),
    ],
)
def test_lists_turns_of_sharegpt_that_cannot_be_read(turns: list[Any], code: str) -> None:
    row = read({"conversations": turns})
    assert code in codes(row)
    assert row.record is None


def test_openai_calls_under_sharegpts_key() -> None:
    call = {"id": "c1", "function": {"name": "f", "arguments": "{}"}}
    turns = [USER, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "content": "x"}]
    row = read({"conversations": [*turns, ANSWER]})
    assert row.record.messages[2].tool_call_id == "c1"
