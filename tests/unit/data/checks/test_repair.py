import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.checks.repair import REPAIRS, repair
from tunery.data.checks.text import check_characters
from tunery.data.checks.tool_calls import check_tool_calls
from tunery.data.checks.whitespace import Whitespace
from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.findings import Finding, Place

PLACE = Place("rows.jsonl", 4)
ANSWER = {"role": "assistant", "content": "b"}


def finding(code: str) -> Finding:
    return PLACE.found(code, "message", "hint")


def chat(*turns: object) -> dict[str, Any]:
    return {"messages": list(turns)}


def calling(arguments: str) -> dict[str, Any]:
    function = {"name": "f", "arguments": arguments}
    return chat({"role": "assistant", "tool_calls": [{"id": "a", "function": function}]})


CASES = [
    ("chat.missing_messages", {"message": [ANSWER]}, chat(ANSWER)),
    ("chat.missing_messages", {"Messages ": [ANSWER]}, chat(ANSWER)),
    ("chat.messages_is_text", {"messages": json.dumps([ANSWER])}, chat(ANSWER)),
    ("chat.unknown_role", chat({**ANSWER, "role": "gpt"}), chat(ANSWER)),
    ("chat.unknown_role", chat({**ANSWER, "role": " Assistant"}), chat(ANSWER)),
    (
        "chat.content_not_text",
        chat({**ANSWER, "content": 42.0}),
        chat({**ANSWER, "content": "42.0"}),
    ),
    (
        "chat.content_null",
        chat({"content": None, "tool_calls": [1]}),
        chat({"content": "", "tool_calls": [1]}),
    ),
    ("tool_calls.arguments_encoded_twice", calling(json.dumps('{"a": 1}')), calling('{"a": 1}')),
    (
        "tool_calls.arguments_not_json",
        calling("{'a': True, 'b': None}"),
        calling('{"a": true, "b": null}'),
    ),
    (
        "text.invisible",
        chat({**ANSWER, "content": "\ufeffb\u200b\xa0c\x00"}),
        chat({**ANSWER, "content": "b c"}),
    ),
    (
        "text.invisible",
        {"prompt": "\ufeffa", "completion": "b"},
        {"prompt": "a", "completion": "b"},
    ),
    ("text.answer_spaces", chat({**ANSWER, "content": " b\n"}), chat(ANSWER)),
    (
        "text.answer_spaces",
        {"prompt": "a ", "completion": " b"},
        {"prompt": "a ", "completion": "b"},
    ),
    (
        "text.prompt_ends_in_space",
        {"prompt": "a \t", "completion": "b"},
        {"prompt": "a", "completion": "b"},
    ),
]


@pytest.mark.parametrize(("code", "before", "after"), CASES)
def test_safe_repairs(code: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    original = json.dumps(before)
    repaired, done = repair(before, [finding(code)])
    assert repaired == after
    assert len(done) == 1
    assert json.dumps(before) == original
    assert repair(repaired, [finding(code)]) == (after, [])


def test_every_repair_has_a_case() -> None:
    assert {code for code, _, _ in CASES} == set(REPAIRS)


@pytest.mark.parametrize(("code", "before", "after"), CASES)
def test_nothing_is_done_without_a_finding(code: str, before: Any, after: Any) -> None:
    assert repair(before, []) == (before, [])


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("chat.missing_messages", {"message": [1], "Messages": [2]}),
        ("chat.missing_messages", {"message": 3}),
        ("chat.messages_is_text", {"messages": "hello"}),
        ("chat.unknown_role", chat({"role": "narrator"}, {"role": 3}, 3)),
        ("chat.content_not_text", chat({"content": True}, {"content": float("inf")})),
        ("chat.content_null", chat({"role": "assistant", "content": None})),
        ("tool_calls.arguments_not_json", calling("{'a': f()}")),
        ("tool_calls.arguments_not_json", calling("{1: 2}")),
        ("tool_calls.arguments_not_json", calling("{'a': (1, 2)}")),
        ("tool_calls.arguments_not_json", calling("(" * 5_000)),
        ("tool_calls.arguments_not_json", calling("{'a': '\\d'" + " " * 20_000 + "}")),
        ("tool_calls.arguments_not_json", {"messages": [{"tool_calls": [3, {"function": 3}]}]}),
    ],
)
def test_nothing_is_made_up(code: str, row: dict[str, Any]) -> None:
    assert repair(row, [finding(code)]) == (row, [])


def test_legacy_calls_are_repaired() -> None:
    row = chat({"function_call": {"name": "f", "arguments": "{'a': 1}"}})
    repaired, _ = repair(row, [finding("tool_calls.arguments_not_json")])
    assert repaired["messages"][0]["function_call"]["arguments"] == '{"a": 1}'


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["gpt", "'a'"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["messages", "message", "role", "content", "tool_calls", "function",
                         "arguments", "prompt", "completion"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["messages", "message", "prompt"]), VALUES))
def test_repairing_twice_is_repairing_once(row: dict[str, Any]) -> None:
    findings = [finding(code) for code in REPAIRS]
    once, _ = repair(row, findings)
    again, done = repair(once, findings)
    assert done == []
    assert repr(again) == repr(once)


ARGUMENTS = st.dictionaries(
    st.text(max_size=3), st.none() | st.booleans() | st.integers(), max_size=3
)


@given(ARGUMENTS, st.sampled_from([str, lambda value: json.dumps(json.dumps(value))]))
def test_repaired_arguments_have_no_finding(arguments: Any, write: Any) -> None:
    repaired, _ = repair(
        calling(write(arguments)),
        [finding("tool_calls.arguments_not_json"), finding("tool_calls.arguments_encoded_twice")],
    )
    text = repaired["messages"][0]["tool_calls"][0]["function"]["arguments"]
    record = Conversation((Message("assistant", "", tool_calls=(ToolCall("f", text),)),))
    codes = {found.code for found in check_tool_calls(record, PLACE)}
    assert codes == {"tool_calls.no_tools"}


@given(st.text(st.sampled_from("ab \n\xa0\u200b\ufeff\x00\x85\u2028"), max_size=8))
def test_repaired_texts_have_no_finding(text: str) -> None:
    row = chat({"role": "user", "content": text}, {"role": "assistant", "content": text + "."})
    findings = [finding(code) for code in REPAIRS]
    prompt, answer = (turn["content"] for turn in repair(row, findings)[0]["messages"])
    record = Conversation((Message("user", prompt), Message("assistant", answer)))
    edges = Whitespace()
    edges.add(Conversation((Message("user", "a"), Message("assistant", "b"))), PLACE)
    edges.add(record, PLACE)
    assert edges.findings() == []
    assert not any("U+2028" not in found.message for found in check_characters(record, PLACE))
