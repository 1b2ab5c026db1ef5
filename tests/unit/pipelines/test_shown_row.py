import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.conversation import Conversation, Message
from tunery.data.file import understand
from tunery.errors import DataError
from tunery.models.chat_template import ChatTemplate
from tunery.pipelines.shown_row import show_row
from tunery.pipelines.shown_rows import rows_to_show
from tunery.testing.tiny_models import tiny_tokenizer

TEMPLATE = ChatTemplate(tiny_tokenizer(), [1])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def talk(*turns):
    return Conversation(tuple(Message(*turn) for turn in turns), "rows.jsonl", 3)


def texts(row, use, control=False):
    return ["".join(run.texts) for run in row.runs if (run.use, run.control) == (use, control)]


def test_what_is_trained_is_shown_as_trained():
    row = show_row(talk(("user", "U"), ("assistant", "Aé", 1)), TEMPLATE)
    assert texts(row, "trained") == ["Aé"]
    assert texts(row, "trained", control=True) == ["<|im_end|>"]
    assert texts(row, "left_out") == []
    assert (row.place, row.trained) == ("rows.jsonl:3", len("Aé".encode()) + 1)


def test_an_answer_of_weight_zero_is_told_from_the_context():
    row = show_row(
        talk(("user", "U"), ("assistant", "A", 0), ("user", "V"), ("assistant", "B")), TEMPLATE
    )
    assert texts(row, "left_out") == ["A"]
    assert texts(row, "trained") == ["B"]


@settings(max_examples=60)
@given(TEXT, TEXT)
def test_all_of_the_row_is_shown(question, answer):
    talked = talk(("user", question), ("assistant", answer))
    shown = show_row(talked, TEMPLATE)
    whole = TEMPLATE.tokenizer.decode(list(TEMPLATE.row(talked).ids))
    assert "".join(text for run in shown.runs for text in run.texts) == whole


def test_a_row_that_the_template_refuses_says_why():
    row = show_row(talk(("assistant", "A")), TEMPLATE)
    assert row.runs == ()
    assert "the first turn is the assistant's" in row.refused


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.jsonl"
    turns = [[("user", f"Q{n}"), ("assistant", f"A{n}")] for n in range(4)]
    rows = [{"messages": [{"role": r, "content": c} for r, c in turn]} for turn in turns]
    rows[1] = {"messages": []}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return understand(path)


def test_the_first_rows_that_can_be_read_are_shown(file):
    shown = list(rows_to_show(file, TEMPLATE, 2))
    assert [row.place.rsplit(":", 1)[1] for row in shown] == ["1", "3"]


def test_one_line_is_shown(file):
    [row] = rows_to_show(file, TEMPLATE, 3, line=4)
    assert row.place.endswith(":4")


def test_a_line_that_cannot_be_shown_says_why(file):
    with pytest.raises(DataError, match=r"line 2 of .* cannot be used: messages is an empty list"):
        list(rows_to_show(file, TEMPLATE, 3, line=2))
    with pytest.raises(DataError, match="no row to show on line 9"):
        list(rows_to_show(file, TEMPLATE, 3, line=9))
