from typing import Any

import pytest

from tunery.data.conversation import Message
from tunery.data.findings import Place
from tunery.data.formats.prompt_completion import read_row
from tunery.data.formats.row import Row


def read_one(value: dict[str, Any]) -> Row:
    return read_row(value, Place("pairs.jsonl", 1))


def test_makes_turns_of_a_pair() -> None:
    row = read_one({"prompt": "2+2=", "completion": " 4!!!", "system": "Add."})
    assert (row.findings, row.once) == ((), ())
    assert row.record.messages == (
        Message("system", "Add."),
        Message("user", "2+2="),
        Message("assistant", " 4!!!"),
    )


def test_an_empty_prompt_leaves_only_the_answer() -> None:
    row = read_one({"prompt": "", "completion": "Once upon a time", "system": None})
    assert row.findings == ()
    assert row.record.messages == (Message("assistant", "Once upon a time"),)


@pytest.mark.parametrize(
    ("value", "code", "told", "hint"),
    [
        ({"completion": "a"}, "pair.missing_key", '"prompt"', 'an empty text "" is allowed'),
        ({"prompt": "a"}, "pair.missing_key", '"completion"', 'Add "completion"'),
        (
            {"prompts": "a", "completion": "b"},
            "pair.missing_key",
            '"prompt"',
            '"prompts" to "prompt"',
        ),
        ({"prompt": "a", "completion": None}, "pair.not_text", "null", "quotes"),
        ({"prompt": 7, "completion": "b"}, "pair.not_text", "the number 7", "quotes"),
        (
            {"prompt": {"role": "user"}, "completion": "b"},
            "pair.not_text",
            "an object",
            "as a text",
        ),
        ({"prompt": [], "completion": []}, "pair.not_text", "an empty list", "Write a text"),
        ({"prompt": "a", "completion": "b", "system": 1}, "pair.not_text", '"system"', "quotes"),
        ({"prompt": "a", "completion": " \n"}, "pair.empty_completion", "empty", "Write"),
    ],
)
def test_lists_rows_that_are_no_pair(
    value: dict[str, Any], code: str, told: str, hint: str
) -> None:
    row = read_one(value)
    assert [finding.code for finding in row.findings] == [code]
    assert told in row.findings[0].message
    assert hint in row.findings[0].hint
    assert row.once == ()


def test_a_chat_row_is_recognised() -> None:
    row = read_one({"messages": []})
    assert [finding.code for finding in row.findings] == ["pair.missing_key"] * 2
    assert "chat row" in row.findings[0].hint


def test_tells_unused_keys() -> None:
    row = read_one({"prompt": "a", "completion": "b", "id": 1, "note": None})
    assert [(f.code, '"id"' in f.message) for f in row.once] == [("pair.unknown_key", True)]
