import json
from typing import Any

import pytest

from tunery.data.conversation import Message, ToolCall
from tunery.data.findings import Place
from tunery.data.formats.chat import read_row
from tunery.data.formats.row import Row

USER = {"role": "user", "content": "Where is my parcel?"}
ANSWER = {"role": "assistant", "content": "In Turin."}
TOOL = {"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "track", "arguments": '{"id":1}'}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "Turin", "name": "track"}


def read_one(value: dict[str, Any]) -> Row:
    return read_row(value, Place("chat.jsonl", 1))


def calling(*calls: Any, **keys: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": list(calls), **keys}


def read_turns(*turns: Any) -> Row:
    return read_one({"messages": list(turns)})


def codes(row: Row) -> list[str]:
    return [finding.code for finding in row.findings]


def test_reads_calls_results_and_tools() -> None:
    row = read_one(
        {
            "messages": [USER, calling(CALL, content=None), RESULT, ANSWER],
            "tools": [TOOL],
            "parallel_tool_calls": False,
        }
    )
    assert (row.findings, row.once) == ((), ())
    call = ToolCall("track", '{"id":1}', "c1")
    assert row.record.messages[1:3] == (
        Message("assistant", "", None, (call,)),
        Message("tool", "Turin", tool_call_id="c1", name="track"),
    )
    assert json.loads(row.record.tools) == [TOOL]
    assert row.record.parallel_tool_calls is False


@pytest.mark.parametrize("content", ["", "I will look.", None])
def test_a_call_may_come_with_a_text_or_without(content: str | None) -> None:
    row = read_turns(USER, calling(CALL, content=content))
    assert row.findings == ()
    assert row.record.messages[1].content == (content or "")


def test_functions_become_tools() -> None:
    function = {"name": "track", "parameters": {"type": "object"}}
    old = read_one(
        {
            "messages": [
                USER,
                {
                    "role": "assistant",
                    "content": None,
                    "function_call": {"name": "track", "arguments": "{}"},
                },
                {"role": "function", "name": "track", "content": "Turin"},
                ANSWER,
            ],
            "functions": [function],
        }
    )
    assert (old.findings, old.once) == ((), ())
    assert old.record.messages[1].tool_calls == (ToolCall("track", "{}", "call_2"),)
    assert old.record.messages[2] == Message("tool", "Turin", tool_call_id="call_2", name="track")
    new = read_one({"messages": [USER, ANSWER], "tools": [TOOL]})
    assert old.record.tools == new.record.tools


@pytest.mark.parametrize(
    "tools",
    [
        [TOOL],
        json.dumps([TOOL]),
        [TOOL["function"]],
        [{"type": "function", **TOOL["function"]}],  # type: ignore[dict-item]
    ],
)
def test_tools_written_in_any_way_give_one_text(tools: Any) -> None:
    row = read_one({"messages": [USER, ANSWER], "tools": tools})
    assert row.record.tools == json.dumps([TOOL])


def test_the_order_of_keys_is_kept() -> None:
    turned = {"function": {"parameters": {"type": "object"}, "name": "track"}, "type": "function"}
    row = read_one({"messages": [USER, ANSWER], "tools": [turned]})
    assert row.record.tools == json.dumps([turned])


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ({"name": "f"}, "tools is an object"),
        ("no json", "a text that is not JSON"),
        ([TOOL, "f"], "a list that holds a text"),
        ([{"name": "f", "x": float("nan")}], "a number that JSON does not have"),
    ],
)
def test_lists_tools_that_are_no_list(tools: Any, told: str) -> None:
    row = read_one({"messages": [USER, ANSWER], "tools": tools})
    assert codes(row) == ["chat.tools_not_list"]
    assert told in row.findings[0].message


@pytest.mark.parametrize("tools", [None, [], "", " "])
def test_no_tools_are_no_text(tools: Any) -> None:
    assert read_one({"messages": [USER, ANSWER], "tools": tools}).record.tools == ""


def test_functions_beside_tools_are_told() -> None:
    row = read_one({"messages": [USER, ANSWER], "tools": [TOOL], "functions": [{"name": "f"}]})
    assert [f.code for f in row.once] == ["chat.unknown_key"]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"name": "f", "arguments": "{}"}, "{}"),
        ({"function": {"name": "f", "arguments": "not json"}}, "not json"),
        ({"id": "a", "type": "function", "name": "f", "arguments": " {} "}, " {} "),
    ],
)
def test_arguments_stay_as_they_are(call: Any, arguments: str) -> None:
    row = read_turns(USER, calling(call))
    assert (row.findings, row.once) == ((), ())
    assert row.record.messages[1].tool_calls[0].arguments == arguments


def test_an_object_of_arguments_is_written_as_text() -> None:
    row = read_turns(USER, calling({"function": {"name": "f", "arguments": {"città": [1, 2.5]}}}))
    assert [f.code for f in row.once] == ["chat.arguments_object"]
    assert row.record.messages[1].tool_calls[0].arguments == '{"città": [1, 2.5]}'


@pytest.mark.parametrize(
    ("message", "code", "told"),
    [
        ({"tool_calls": {"name": "f"}}, "chat.tool_calls_not_list", "an object"),
        (calling("f"), "chat.call_not_object", "call 1 of message 2 is a text"),
        (calling({"id": "1", "function": None}), "chat.call_not_object", "is null"),
        ({"function_call": "f"}, "chat.call_not_object", "the call of message 2 is a text"),
        (calling({"function": {"arguments": "{}"}}), "chat.call_without_name", "no name"),
        (
            calling({"function": {"name": " ", "arguments": "{}"}}),
            "chat.call_without_name",
            "an empty name",
        ),
        (
            calling({"function": {"name": 3, "arguments": "{}"}}),
            "chat.call_without_name",
            "the number 3",
        ),
        (calling({"function": {"name": "f"}}), "chat.arguments_not_text", "missing"),
        (
            calling({"function": {"name": "f", "arguments": [1]}}),
            "chat.arguments_not_text",
            "a list",
        ),
        (
            calling({"function": {"name": "f", "arguments": {"x": float("inf")}}}),
            "chat.arguments_not_text",
            "JSON does not have",
        ),
        (calling({**CALL, "id": 7}), "chat.id_not_text", "the number 7"),
        (calling({**CALL, "type": "custom"}), "chat.call_not_function", "another type"),
        ({"content": "a", "name": ["x"]}, "chat.id_not_text", "the name of message 2"),
    ],
)
def test_lists_calls_that_cannot_be_read(message: dict[str, Any], code: str, told: str) -> None:
    row = read_turns(USER, {"role": "assistant", **message})
    assert codes(row) == [code]
    assert told in row.findings[0].message


@pytest.mark.parametrize("calls", [None, []])
def test_neither_content_nor_calls_is_an_error(calls: Any) -> None:
    row = read_turns(USER, {"role": "assistant", "content": None, "tool_calls": calls})
    assert codes(row) == ["chat.content_null"]


def test_only_the_assistant_calls() -> None:
    assert codes(read_turns({**USER, "tool_calls": [CALL]}, ANSWER)) == ["chat.calls_of_another"]


def test_a_result_needs_a_content_and_a_text_as_id() -> None:
    row = read_turns(USER, calling(CALL), {"role": "tool", "tool_call_id": 3}, ANSWER)
    assert codes(row) == ["chat.missing_content", "chat.id_not_text"]


def test_parallel_tool_calls_is_a_truth_value() -> None:
    row = read_one({"messages": [USER, ANSWER], "parallel_tool_calls": "no"})
    assert codes(row) == ["chat.parallel_not_bool"]


def test_a_refusal_is_an_answer() -> None:
    row = read_turns(USER, {"role": "assistant", "content": None, "refusal": "I will not."})
    assert (row.findings, [f.code for f in row.once]) == ((), ["chat.refusal_as_answer"])
    assert row.record.answer == "I will not."


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ({**ANSWER, "refusal": "No."}, '"refusal"'),
        ({**ANSWER, "tool_call_id": "c1"}, '"tool_call_id"'),
        (calling({**CALL, "index": 0}), '"tool_calls.index"'),
        (calling(CALL, function_call={"name": "f", "arguments": "{}"}), '"function_call"'),
    ],
)
def test_tells_what_no_message_holds(message: dict[str, Any], key: str) -> None:
    row = read_turns(USER, message)
    assert row.findings == ()
    assert [(f.code, key in f.message) for f in row.once] == [("chat.unknown_message_key", True)]
