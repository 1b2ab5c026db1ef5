"""Which rows ask the same, which say the same, and which stay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.records import Judged, Preference, Reinforcement, Text
from tunery.data.shape.duplicates import Duplicate, find_duplicates
from tunery.data.shape.identity import answer_of, content_of, question_of

SYSTEM = Message("system", "Be short.")
ASK = (SYSTEM, Message("user", "Why?"))
YES = Message("assistant", "Yes.")
NO = Message("assistant", "No.")

CHAT = Conversation((*ASK, YES), "a.jsonl", 1)
PAIR = Preference(ASK, (YES,), (NO,), "a.jsonl", 1)
ITEM = Reinforcement(ASK, '{"answer": 1}', "a.jsonl", 1)
THUMB = Judged(ASK, (YES,), True, "a.jsonl", 1)
TEXT = Text("Why? Yes.", "a.jsonl", 1)
CALL = ToolCall("look", "{}", "1")


@pytest.mark.parametrize("record", [CHAT, PAIR, ITEM, THUMB, TEXT])
def test_the_place_does_not_count(record):
    elsewhere = replace(record, file="b.jsonl", line=9)
    assert content_of(record) == content_of(elsewhere)
    assert question_of(record) == question_of(elsewhere)


@pytest.mark.parametrize(
    ("record", "other"),
    [
        (CHAT, Conversation((*ASK, NO))),
        (CHAT, Conversation((*ASK, replace(YES, weight=0)))),
        (CHAT, Conversation((*ASK, replace(YES, name="x")))),
        (CHAT, Conversation((*ASK, replace(YES, tool_calls=(CALL,))))),
        (CHAT, replace(CHAT, tools="[1]")),
        (CHAT, replace(CHAT, parallel_tool_calls=True)),
        (PAIR, Preference(ASK, (NO,), (YES,))),
        (ITEM, Reinforcement(ASK, "{}")),
        (THUMB, Judged(ASK, (YES,), False)),
        (THUMB, CHAT),
        (TEXT, Text("Why?")),
        (CHAT, Conversation((SYSTEM, Message("user", "Why?Yes.")))),
    ],
)
def test_what_is_learned_counts(record, other):
    assert content_of(record) != content_of(other)


def test_a_weight_of_1_is_the_usual():
    assert content_of(CHAT) == content_of(Conversation((*ASK, replace(YES, weight=1.0))))


def test_half_a_character_has_a_digest():
    assert content_of(Text("\ud83d"))


def test_rows_with_one_prompt_ask_the_same():
    assert len({question_of(record) for record in (CHAT, PAIR, ITEM, THUMB)}) == 1
    assert question_of(TEXT) != question_of(Text("Why?"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Conversation((SYSTEM, YES)), Conversation((SYSTEM, NO))),
        (Preference((SYSTEM,), (YES,), (NO,)), Preference((SYSTEM,), (NO,), (YES,))),
        (Judged((SYSTEM,), (YES,), True), Judged((SYSTEM,), (NO,), True)),
        (Reinforcement((SYSTEM,), "1"), Reinforcement((), "1")),
    ],
)
def test_where_nothing_is_asked_the_whole_row_counts(one, other):
    assert question_of(one) != question_of(other)


def test_the_answer_of_each_kind():
    assert [answer_of(r) for r in (CHAT, PAIR, THUMB, ITEM, TEXT)] == ["Yes."] * 3 + ["", ""]


def texts(*letters):
    return [Text(letter, "t", line) for line, letter in enumerate(letters, start=1)]


def test_the_first_of_equal_rows_stays():
    assert find_duplicates(texts(*"abacab")) == [
        Duplicate(2, 0, True),
        Duplicate(4, 0, True),
        Duplicate(5, 1, True),
    ]
    assert find_duplicates([]) == []


def test_near_duplicates_are_told_by_whoever_is_asked():
    asked = []

    def near(records):
        asked.extend(record.text for record in records)
        return [(1, 0), (2, 1), (3, 3)]

    found = find_duplicates(texts(*"aabbcd"), near)

    assert asked == ["a", "b", "c", "d"]
    # b is near a; c is near b alone, which is left out, so it stays; d is no duplicate of itself
    assert found == [Duplicate(1, 0, True), Duplicate(2, 0, False), Duplicate(3, 0, False)]
