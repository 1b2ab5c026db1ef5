"""Every format by a sample: which one a row is of, and what is made of it."""

import csv
import io
import json
from typing import Any

import pytest

from tunery.data.conversation import Conversation, Message
from tunery.data.detect import detect_format
from tunery.data.findings import Place
from tunery.data.formats.classification import MAX_LABELS
from tunery.data.formats.qa import SYSTEM
from tunery.data.formats.row import Row
from tunery.data.formats.table import FORMATS
from tunery.data.records import Judged, Preference, Reinforcement, Text
from tunery.errors import DataError

U, A, B = Message("user", "Hi"), Message("assistant", "Hello"), Message("assistant", "What?")
USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hello"}
OTHER = {"role": "assistant", "content": "What?"}
BE = Message("system", "Be kind.")

Case = tuple[str, dict[str, Any], Any]

CASES: list[Case] = [
    ("chat", {"messages": [USER, ANSWER]}, Conversation((U, A))),
    ("chat", {"messages": [USER]}, None),
    ("prompt_completion", {"prompt": "Hi", "completion": "Hello"}, Conversation((U, A))),
    ("prompt_completion", {"prompt": [USER], "completion": [ANSWER]}, Conversation((U, A))),
    ("prompt_completion", {"prompt": "Hi", "completion": [ANSWER]}, Conversation((U, A))),
    (
        "prompt_completion",
        {"prompt": [USER, OTHER, USER], "completion": [ANSWER]},
        Conversation((U, Message("assistant", "What?", 0.0), U, A)),
    ),
    ("prompt_completion", {"prompt": "Hi", "completion": "a", "label": "b"}, None),
    ("alpaca", {"instruction": "Hi", "input": "", "output": "Hello"}, Conversation((U, A))),
    ("alpaca", {"instruction": "", "input": "Hi", "output": "Hello"}, Conversation((U, A))),
    (
        "alpaca",
        {
            "instruction": "Sum:",
            "input": "1 2",
            "output": "3",
            "system": "Be kind.",
            "history": [["Hi", "Hello"]],
        },
        Conversation((BE, U, A, Message("user", "Sum:\n\n1 2"), Message("assistant", "3"))),
    ),
    (
        "sharegpt",
        {
            "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}],
            "system": "Be kind.",
        },
        Conversation((BE, U, A)),
    ),
    ("sharegpt", {"conversations": [USER, ANSWER]}, Conversation((U, A))),
    ("preference", {"prompt": "Hi", "chosen": "Hello", "rejected": "What?"}, "pair"),
    ("preference", {"prompt": [USER], "chosen": [ANSWER], "rejected": [OTHER]}, "pair"),
    ("preference", {"chosen": [USER, ANSWER], "rejected": [USER, OTHER]}, "pair"),
    ("preference", {"prompt": "Hi", "chosen": [USER, ANSWER], "rejected": [USER, OTHER]}, "pair"),
    ("preference", {"prompt": "Hi", "chosen": ANSWER, "rejected": OTHER}, "pair"),
    ("preference", {"chosen": "Hello", "rejected": "What?"}, Preference((), (A,), (B,))),
    (
        "preference",
        {"chosen": [USER, ANSWER], "rejected": [USER, ANSWER]},
        Preference((U,), (A,), (A,)),
    ),
    (
        "preference",
        {"system": "Be kind.", "prompt": "Hi", "chosen": "Hello", "rejected": "What?"},
        Preference((BE, U), (A,), (B,)),
    ),
    ("alpaca_preference", {"instruction": "Hi", "chosen": "Hello", "rejected": "What?"}, "pair"),
    (
        "alpaca_preference",
        {
            "instruction": "Hi",
            "input": "",
            "output": "Hello",
            "chosen": "Hello",
            "rejected": "What?",
        },
        "pair",
    ),
    (
        "openai_preference",
        {
            "input": {"messages": [USER]},
            "preferred_output": [ANSWER],
            "non_preferred_output": [OTHER],
        },
        "pair",
    ),
    (
        "openai_preference",
        {
            "input": {"messages": [USER]},
            "preferred_completion": [ANSWER],
            "non_preferred_completion": [OTHER],
        },
        "pair",
    ),
    (
        "openai_preference",
        {
            "input": {"messages": [USER], "tools": [{"name": "f"}], "parallel_tool_calls": True},
            "preferred_output": [ANSWER],
            "non_preferred_output": [OTHER],
        },
        Preference(
            (U,),
            (A,),
            (B,),
            tools='[{"type": "function", "function": {"name": "f"}}]',
            parallel_tool_calls=True,
        ),
    ),
    (
        "reinforcement",
        {"messages": [USER], "gold": "Hello", "none": None, "n": [1, 2.5]},
        Reinforcement((U,), '{"gold": "Hello", "none": null, "n": [1, 2.5]}'),
    ),
    ("kto", {"prompt": "Hi", "completion": "Hello", "label": True}, Judged((U,), (A,), True)),
    ("kto", {"prompt": "Hi", "completion": "Hello", "label": "False"}, Judged((U,), (A,), False)),
    ("kto", {"prompt": [USER], "completion": [ANSWER], "label": 1}, Judged((U,), (A,), True)),
    (
        "classification",
        {"text": "Hi", "label": "greeting"},
        Conversation(
            (
                Message(
                    "system",
                    "Classify the text. Answer with one of these labels and nothing else:\n"
                    "- greeting",
                ),
                U,
                Message("assistant", "greeting"),
            )
        ),
    ),
    (
        "classification",
        {"text": "Hi", "label": 1, "label_text": "Hello", "system": "Be kind."},
        Conversation((BE, U, A)),
    ),
    (
        "qa",
        {"context": "P.", "question": "Q?", "answers": {"text": ["Hello"], "answer_start": [3]}},
        "question",
    ),
    ("qa", {"context": "P.", "question": "Q?", "answers": ["Hello", "Hello"]}, "question"),
    ("qa", {"context": "P.", "question": "Q?", "answers": [{"text": "Hello"}]}, "question"),
    ("qa", {"context": "P.", "question": "Q?", "answer": "Hello"}, "question"),
    ("text", {"text": "Hi"}, Text("Hi")),
]


def expected(record: Any) -> Any:
    if record == "pair":
        return Preference((U,), (A,), (B,))
    if record == "question":
        asked = Message("user", "Passage: P.\n\nQuestion: Q?")
        return Conversation((Message("system", SYSTEM), asked, A))
    return record


def read(format: Any, *rows: dict[str, Any]) -> list[Row]:
    reader = FORMATS[format].reader(lambda: iter(rows))
    return [reader(row, Place("", 0)) for row in rows]


def codes(row: Row) -> list[str]:
    return [finding.code for finding in (*row.findings, *row.once)]


def test_every_format_has_a_sample() -> None:
    assert {case[0] for case in CASES} == set(FORMATS)


@pytest.mark.parametrize(("format", "value", "record"), CASES)
def test_a_row_is_of_one_format_whatever_notes_it_has(
    format: str, value: dict[str, Any], record: Any
) -> None:
    turned = dict(reversed(list(value.items())))
    assert detect_format([value], "a").format == format
    assert detect_format([turned], "a").format == format
    if record is not None and format != "reinforcement":
        assert detect_format([{"id": 1, **value, "source": "web"}], "a").format == format


@pytest.mark.parametrize(("format", "value", "record"), [c for c in CASES if c[2] is not None])
def test_a_row_becomes_a_record(format: str, value: dict[str, Any], record: Any) -> None:
    [row] = read(format, value)
    assert codes(row) == []
    assert row.record == expected(record)


@pytest.mark.parametrize(("format", "value", "record"), [c for c in CASES if c[2] is not None])
def test_what_no_record_holds_is_told(format: str, value: dict[str, Any], record: Any) -> None:
    [row] = read(format, {**value, "notes": 7})
    told = [f.message for f in row.once if f.code.endswith(".unknown_key")]
    if format == "reinforcement":
        assert json.loads(row.record.item)["notes"] == 7
    else:
        assert len(told) == 1
        assert '"notes"' in told[0]


def test_an_answer_under_chat_is_no_reinforcement_row() -> None:
    row = {"messages": [USER, ANSWER], "gold": "x"}
    assert detect_format([row], "a").format == "chat"
    assert detect_format([{"messages": []}], "a").format == "chat"


def test_published_preference_rows_with_messages_are_preferences() -> None:
    row = {"prompt": "Hi", "messages": [USER, ANSWER], "chosen": [USER, ANSWER], "rejected": []}
    assert detect_format([row], "a").format == "preference"


def test_the_prompt_is_cut_where_it_ends() -> None:
    system, again = {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}
    shared = [system, USER, OTHER, again]
    row = {"prompt": "Hi", "chosen": [*shared, ANSWER], "rejected": [*shared, OTHER]}
    [read_row] = read("preference", row)
    assert read_row.record.prompt == (BE, U)
    assert len(read_row.record.chosen) == 3


def test_a_third_answer_is_told() -> None:
    row = {"instruction": "Hi", "output": "Hey", "chosen": "Hello", "rejected": "What?"}
    assert codes(read("alpaca_preference", row)[0]) == ["preference.unknown_key"]


@pytest.mark.parametrize("answers", [[], {"text": []}, "", [" "]])
def test_a_question_without_an_answer_has_a_fixed_one(answers: Any) -> None:
    [row] = read("qa", {"context": "P.", "question": "Q?", "answers": answers})
    assert row.record.answer == "unanswerable"
    assert row.record.answer in row.record.messages[0].content


def test_an_impossible_question_needs_no_answers() -> None:
    [row] = read("qa", {"context": "P.", "question": "Q?", "is_impossible": True})
    assert row.record.answer == "unanswerable"


@pytest.mark.parametrize("answers", [None, 3, [3], {"texts": ["a"]}])
def test_lists_answers_that_are_none(answers: Any) -> None:
    assert codes(read("qa", {"context": "P.", "question": "Q?", "answers": answers})[0]) == [
        "qa.bad_answers"
    ]


def test_labels_are_sorted_and_the_same_in_every_row() -> None:
    rows = [{"text": t, "label": name} for t, name in [("a", "no"), ("b", "yes"), ("c", "no")]]
    prompts = {row.record.messages[0].content for row in read("classification", *rows)}
    assert len(prompts) == 1
    assert prompts.pop().endswith("\n- no\n- yes")


def test_whole_numbers_are_sorted_by_value_and_told() -> None:
    rows = read("classification", *[{"text": "a", "label": n} for n in (10, 9, -1)])
    assert rows[0].record.messages[0].content.endswith("\n- -1\n- 9\n- 10")
    assert codes(rows[0]) == ["classification.number_label"]


def test_too_many_labels_are_no_classification() -> None:
    rows = [{"text": "a", "label": f"{n}"} for n in range(MAX_LABELS + 1)]
    with pytest.raises(DataError, match="more than 200 different labels") as caught:
        read("classification", *rows)
    assert "prompt_completion" in caught.value.hint
    assert len(read("classification", *rows[1:])) == MAX_LABELS


@pytest.mark.parametrize("label", [None, "", " ", 0.5, True, ["a"]])
def test_lists_labels_that_are_none(label: Any) -> None:
    assert "classification.bad_label" in codes(
        read("classification", {"text": "a", "label": label})[0]
    )


@pytest.mark.parametrize("label", [None, "maybe", 2, 0.0, [True]])
def test_lists_verdicts_that_are_none(label: Any) -> None:
    row = {"prompt": "a", "completion": "b", "label": label}
    assert codes(read("kto", row)[0]) == ["kto.bad_label"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"preferred_output": [ANSWER], "non_preferred_output": [OTHER]}, "preference.bad_input"),
        (
            {"input": {}, "preferred_output": [ANSWER], "non_preferred_output": [OTHER]},
            "preference.bad_input",
        ),
        (
            {"input": "Hi", "preferred_output": [ANSWER], "non_preferred_output": [OTHER]},
            "preference.bad_input",
        ),
        (
            {"input": {"messages": [USER]}, "preferred_output": [ANSWER]},
            "preference.missing_key",
        ),
        (
            {
                "input": {"messages": "Hi", "seed": 3},
                "preferred_output": [ANSWER],
                "non_preferred_output": [OTHER],
            },
            "preference.unknown_key",
        ),
        ({"preferred_output": [], "non_preferred_output": [OTHER]}, "preference.not_text"),
    ],
)
def test_openai_preference_rows_that_are_odd(row: dict[str, Any], code: str) -> None:
    assert code in codes(read("openai_preference", row)[0])


def test_the_nearest_key_is_named() -> None:
    [alpaca] = read("alpaca", {"instruktion": "a", "output": "b"})
    assert 'Rename the key "instruktion"' in alpaca.findings[0].hint
    [preference] = read("preference", {"chosen": "a", "rejectd": "b"})
    assert 'Rename the key "rejectd"' in preference.findings[0].hint


@pytest.mark.parametrize("value", [3, ["a"], {"a": 1}, True])
def test_lists_what_is_no_text(value: Any) -> None:
    assert codes(read("alpaca", {"instruction": value, "output": "b"})[0]) == ["alpaca.not_text"]


def test_a_judged_answer_may_stand_in_a_table() -> None:
    [row] = csv.DictReader(io.StringIO("prompt,completion,label\nHi,Hello,TRUE\n"))
    assert detect_format([dict(row)], "a").format == "kto"
    assert read("kto", dict(row))[0].record == Judged((U,), (A,), True)
