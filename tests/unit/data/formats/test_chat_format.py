import json
from typing import Any

import pytest

from tunery.data.conversation import Message
from tunery.data.findings import Place
from tunery.data.formats.chat import read_row
from tunery.data.formats.row import Row

USER = {"role": "user", "content": "Where is my parcel?"}
ANSWER = {"role": "assistant", "content": "In Turin."}


def read_one(value: dict[str, Any]) -> Row:
    return read_row(value, Place("chat.jsonl", 1))


def read_messages(*messages: Any) -> Row:
    return read_one({"messages": list(messages)})


def codes(row: Row) -> list[str]:
    return [finding.code for finding in row.findings]


def test_reads_turns_of_every_text_role_in_order() -> None:
    turns = [
        {"role": "system", "content": "Be short."},
        {"role": "developer", "content": "Answer in English."},
        USER,
        {**ANSWER, "weight": 0},
        {"role": "user", "content": ""},
        {**ANSWER, "weight": 1},
    ]
    row = read_messages(*turns)
    assert row.findings == ()
    assert row.record.messages == (
        Message("system", "Be short."),
        Message("developer", "Answer in English."),
        Message("user", "Where is my parcel?"),
        Message("assistant", "In Turin.", 0.0),
        Message("user", ""),
        Message("assistant", "In Turin.", 1.0),
    )
    assert [m.loss_weight for m in row.record.messages] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize(
    "turns",
    [
        [ANSWER],
        [{"role": "system", "content": "Greet."}, ANSWER],
        [USER, USER, ANSWER],
        [USER, ANSWER, ANSWER],
        [USER, {**ANSWER, "tool_calls": None, "function_call": None, "name": None, "weight": None}],
        [USER, {"role": "assistant", "content": "", "weight": 0}, USER, ANSWER],
    ],
)
def test_accepts_unusual_but_usable_rows(turns: list[dict[str, Any]]) -> None:
    row = read_messages(*turns)
    assert (row.findings, row.once) == ((), ())
    assert len(row.record.messages) == len(turns)


def test_joins_text_parts() -> None:
    parts = [{"type": "text", "text": "Where is "}, {"type": "text", "text": "it?"}]
    row = read_messages({"role": "user", "content": parts}, ANSWER)
    assert row.findings == ()
    assert row.record.messages[0].content == "Where is it?"


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "image_url", "image_url": {"url": "x"}}, 'type "image_url"'),
        ({"text": "no type"}, "no type"),
        ({"type": "text", "text": None}, "a text part whose text is null"),
        ("bare text", "a text"),
    ],
)
def test_lists_parts_that_are_not_text(part: Any, told: str) -> None:
    row = read_messages({"role": "user", "content": [{"type": "text", "text": "A"}, part]}, ANSWER)
    assert codes(row) == ["chat.part_not_supported"]
    assert f"({told})" in row.findings[0].message
    assert "message 1" in row.findings[0].message


@pytest.mark.parametrize(
    ("value", "code", "told", "hint"),
    [
        ({"message": [USER]}, "chat.missing_messages", "no messages", '"message" to "messages"'),
        ({"rows": 1}, "chat.missing_messages", "no messages", 'Add "messages"'),
        ({"prompt": "a", "completion": "b"}, "chat.missing_messages", "no", "prompt/completion"),
        ({"messages": json.dumps([USER])}, "chat.messages_is_text", "is a text", "json.loads"),
        ({"messages": {"role": "user"}}, "chat.messages_not_list", "is an object", '"messages": ['),
        ({"messages": None}, "chat.messages_not_list", "is null", '"messages": ['),
        ({"messages": []}, "chat.no_messages", "empty list", "Remove"),
    ],
)
def test_lists_rows_without_a_list_of_messages(
    value: dict[str, Any], code: str, told: str, hint: str
) -> None:
    row = read_one(value)
    assert codes(row) == [code]
    assert told in row.findings[0].message
    assert hint in row.findings[0].hint
    assert row.once == ()


@pytest.mark.parametrize(
    ("message", "code", "told", "hint"),
    [
        ("hello", "chat.message_not_object", "message 1 is a text", '{"role"'),
        (None, "chat.message_not_object", "message 1 is null", '{"role"'),
        ({"content": "a"}, "chat.missing_role", "no role", 'Add "role"'),
        ({"rôle": "user", "content": "a"}, "chat.missing_role", "no role", '"rôle" to "role"'),
        (
            {"role": "assistants", "content": "a"},
            "chat.unknown_role",
            '"assistants"',
            '"assistant"?',
        ),
        ({"role": "User", "content": "a"}, "chat.unknown_role", '"User"', '"user"?'),
        ({"role": "human", "content": "a"}, "chat.unknown_role", '"human"', '"user"?'),
        ({"role": "choir", "content": "a"}, "chat.unknown_role", '"choir"', "one of these"),
        ({"role": ["user"], "content": "a"}, "chat.unknown_role", "a list", "one of these"),
        ({"role": None, "content": "a"}, "chat.unknown_role", "is null", "one of these"),
        ({"role": "user"}, "chat.missing_content", "no content", 'Add "content"'),
        (
            {"role": "user", "contents": "a"},
            "chat.missing_content",
            "no",
            '"contents" to "content"',
        ),
        ({"role": "user", "content": None}, "chat.content_null", "null", 'or ""'),
        ({"role": "user", "content": 42.5}, "chat.content_not_text", "the number 42.5", "quotes"),
        ({"role": "user", "content": True}, "chat.content_not_text", "is true", "quotes"),
        ({"role": "user", "content": {"a": 1}}, "chat.content_not_text", "an object", "quotes"),
    ],
)
def test_lists_messages_that_cannot_be_read(message: Any, code: str, told: str, hint: str) -> None:
    row = read_messages(message, ANSWER)
    assert codes(row) == [code]
    assert told in row.findings[0].message
    assert hint in row.findings[0].hint


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_lists_an_empty_answer(text: str) -> None:
    row = read_messages(USER, {"role": "assistant", "content": text})
    assert codes(row) == ["chat.empty_assistant"]
    assert "message 2" in row.findings[0].message


@pytest.mark.parametrize("weight", [0.5, 2, -1, True, False, "1", float("nan"), [1]])
def test_lists_a_weight_that_is_neither_0_nor_1(weight: Any) -> None:
    row = read_messages(USER, {**ANSWER, "weight": weight})
    assert codes(row) == ["chat.invalid_weight"]
    assert "expected the number 0 or 1" in row.findings[0].message


def test_warns_of_a_weight_on_a_turn_that_is_never_learned() -> None:
    row = read_messages({**USER, "weight": 1}, ANSWER)
    assert [(f.code, f.severity) for f in row.findings] == [("chat.weight_unused", "warning")]
    assert row.record.messages[0].weight is None


def test_lists_a_row_without_an_assistant() -> None:
    row = read_messages({"role": "system", "content": "Be short."}, USER)
    assert codes(row) == ["chat.no_assistant"]


def test_does_not_guess_about_the_order_while_a_role_is_unknown() -> None:
    assert codes(read_messages(USER, {"role": "chatgpt", "content": "a"})) == ["chat.unknown_role"]


@pytest.mark.parametrize(
    ("turns", "code", "told"),
    [
        ([USER, ANSWER, USER, USER], "chat.assistant_not_last", "2 turn(s)"),
        ([USER, {**ANSWER, "weight": 0}], "chat.nothing_learned", "weight 0"),
        (
            [USER, {"role": "system", "content": "Be short."}, ANSWER],
            "chat.system_not_first",
            "message 2",
        ),
    ],
)
def test_warns_of_odd_conversations(turns: list[Any], code: str, told: str) -> None:
    row = read_messages(*turns)
    assert [(f.code, f.severity) for f in row.findings] == [(code, "warning")]
    assert told in row.findings[0].message
    assert len(row.record.messages) == len(turns)


def test_a_row_without_tools_may_have_their_keys() -> None:
    row = read_one(
        {"messages": [USER, ANSWER], "tools": [], "functions": None, "parallel_tool_calls": True}
    )
    assert (row.findings, row.once) == ((), ())


def test_gives_all_findings_of_a_row() -> None:
    row = read_messages(
        {"role": "user", "content": 1},
        {"role": "assistant", "content": "", "weight": 3},
        {"role": "user", "content": None},
    )
    assert codes(row) == [
        "chat.content_not_text",
        "chat.invalid_weight",
        "chat.empty_assistant",
        "chat.content_null",
        "chat.assistant_not_last",
    ]


def test_tells_unused_keys_apart_from_the_row() -> None:
    row = read_one({"messages": [{**USER, "mood": "good"}, {**ANSWER, "mood": "bad"}], "id": 7})
    assert row.findings == ()
    assert [f.code for f in row.once] == ["chat.unknown_message_key", "chat.unknown_key"]
    assert '"id"' in row.once[1].message
    assert '"mood"' in row.once[0].message
