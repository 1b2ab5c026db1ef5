"""Checks of many rows: what they find, and that parts joined find the same as one pass."""

import itertools
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.checks.duplicates import Duplicates
from tunery.data.checks.label_noise import LabelNoise
from tunery.data.checks.labels import MOST_LABELS, Labels, unseen_labels
from tunery.data.checks.near import NearDuplicates
from tunery.data.checks.preference import LengthBias
from tunery.data.checks.size import RowCount
from tunery.data.checks.whitespace import Whitespace
from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.findings import Finding, Place
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text

SET_CHECKS: list[Callable[[], Any]] = [
    Duplicates,
    LabelNoise,
    Labels,
    LengthBias,
    NearDuplicates,
    RowCount,
    Whitespace,
]


def row(answer: str, prompt: str = "a", **keys: Any) -> Conversation:
    return Conversation((Message("user", prompt), Message("assistant", answer)), **keys)


def seen(check: Callable[[], Any], rows: Sequence[Record], first: int = 1) -> Any:
    made = check()
    for line, record in enumerate(rows, start=first):
        made.add(record, Place("rows.jsonl", line))
    return made


def findings(check: Callable[[], Any], *rows: Record) -> list[Finding]:
    return list(seen(check, rows).findings())


def messages(check: Callable[[], Any], *rows: Record) -> list[tuple[str, int, str]]:
    return [(f.code, f.line, f.message) for f in findings(check, *rows)]


TEXTS = st.sampled_from(["yes", "no", " yes", "No", "yes ", "", "long " * 30])
TURNS = st.builds(lambda text: (Message("assistant", text),), TEXTS)
ASKED = st.builds(lambda text: (Message("user", text),), TEXTS)
RECORDS = st.one_of(
    st.builds(row, TEXTS, TEXTS),
    st.builds(Preference, ASKED, TURNS, TURNS),
    st.builds(Judged, ASKED, TURNS, st.booleans()),
    st.builds(Reinforcement, ASKED, st.sampled_from(["{}", '{"a": 1}'])),
    st.builds(Text, TEXTS),
)


@pytest.mark.parametrize("check", SET_CHECKS)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(RECORDS, max_size=40), cuts=st.lists(st.integers(0, 40), max_size=3))
def test_parts_joined_find_the_same(
    check: Callable[[], Any], rows: list[Record], cuts: list[int]
) -> None:
    whole = seen(check, rows)
    joined = check()
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for start, end in itertools.pairwise(edges):
        part = seen(check, rows[start:end], first=start + 1)
        joined.merge(pickle.loads(pickle.dumps(part)))
    assert joined.findings() == whole.findings()


@pytest.mark.parametrize("check", SET_CHECKS)
def test_no_rows_no_findings(check: Callable[[], Any]) -> None:
    assert findings(check) == []


def test_duplicates_name_the_first_line() -> None:
    said = messages(Duplicates, row("x"), row("y"), row("x"), row("x"))
    assert [(line, text) for _, line, text in said] == [
        (3, "the row says the same as line 1"),
        (4, "the row says the same as line 1"),
    ]


def test_what_makes_rows_differ() -> None:
    call = Message("assistant", "", tool_calls=(ToolCall("f", "{}", "id1"),))
    user = Message("user", "a")
    differ: list[Record] = [
        row("x"),
        row("x", tools="[]"),
        row("xa", prompt=""),
        Conversation((user, Message("assistant", "x", weight=0))),
        Conversation((user, Message("assistant", "x", weight=0.5))),
        Conversation((user, call)),
        Preference((user,), (Message("assistant", "x"),), ()),
        Preference((user,), (), (Message("assistant", "x"),)),
        Judged((user,), (Message("assistant", "x"),), good=True),
        Judged((user,), (Message("assistant", "x"),), good=False),
        Reinforcement((user,), "{}"),
        Reinforcement((user,), '{"a": 1}'),
        Text("x"),
    ]
    assert findings(Duplicates, *differ) == []
    same = Message("assistant", "", tool_calls=(ToolCall("f", "{}", "another"),))
    weighed = Conversation((user, Message("assistant", "x", weight=1)))
    assert len(findings(Duplicates, *differ, Conversation((user, same)), weighed)) == 2


def test_half_characters_have_digests() -> None:
    assert len(findings(Duplicates, row("\ud83d"), row("\ud83d"), row("?"))) == 1


def test_label_noise_names_the_lines() -> None:
    said = messages(LabelNoise, row("x"), row("y", "b"), row("z"), row("x"), row("y", "b"))
    assert said == [
        ("label.noise", 1, "lines 1, 3, 4 have the same prompt but 2 different answers")
    ]
    many = messages(LabelNoise, *(row(str(n)) for n in range(12)))
    assert many[0][2].startswith("lines 1, 2, 3, 4, 5, 6, 7, 8 and 4 more have")


def test_what_is_no_noise() -> None:
    assert findings(LabelNoise, row("x", ""), row("y", "")) == []
    assert findings(LabelNoise, row("x"), row("x ")) == []
    assert findings(LabelNoise, row("x", tools="[1]"), row("y", tools="[2]")) == []


def labelled(**counts: int) -> list[Record]:
    return [row(label, str(n)) for label, count in counts.items() for n in range(count)]


def test_labels() -> None:
    assert messages(Labels, *labelled(a=20, b=15)) == []
    said = messages(Labels, *labelled(card=20, Card=5, other=30, once=1))
    assert [(code, line) for code, line, _ in said] == [
        ("label.spelling", 21),
        ("label.rare", 56),
        ("label.imbalance", 0),
    ]
    assert '"card", "Card"' in said[0][2]
    assert '"other" has 30 rows, "once" has 1' in said[2][2]


def test_answers_that_are_no_labels() -> None:
    free = [row(f"answer {n}", str(n)) for n in range(60)]
    assert not seen(Labels, free).are_labels
    assert not seen(Labels, labelled(a=5, b=4)).are_labels
    assert not seen(Labels, [*labelled(a=20, b=20), *[row("long " * 30)] * 5]).are_labels
    assert not seen(Labels, labelled(a=20)).are_labels
    assert seen(Labels, [*labelled(**{"+": 20, "-": 20})]).findings() == []
    many = seen(Labels, [row(str(n)) for n in range(MOST_LABELS + 2)])
    assert many.overflow
    assert not many.counts
    few = seen(Labels, labelled(a=20, b=20))
    few.merge(many)
    assert few.overflow
    few.add(row("a"), Place("rows.jsonl", 1))
    assert not few.counts


def test_labels_that_training_does_not_have() -> None:
    train = seen(Labels, labelled(a=20, b=20))
    assert unseen_labels(train, seen(Labels, labelled(a=3))) == []
    [finding] = unseen_labels(train, seen(Labels, labelled(a=3, c=1)))
    assert (finding.code, finding.line) == ("label.unseen", 4)
    assert '1 of 2 labels do not occur in rows.jsonl: "c"' in finding.message
    assert unseen_labels(seen(Labels, labelled(a=2)), seen(Labels, labelled(c=1))) == []


def test_whitespace_at_the_edges() -> None:
    said = messages(Whitespace, row("x"), row(" x"), row("x\n"), row("x", "a "))
    assert said == [
        (
            "text.answer_spaces",
            2,
            "1 of 4 answers begin in whitespace, the others do not; this is the first",
        ),
        (
            "text.answer_spaces",
            3,
            "1 of 4 answers end in whitespace, the others do not; this is the first",
        ),
        (
            "text.prompt_ends_in_space",
            4,
            "1 of 4 prompts end in a space; this is the first",
        ),
    ]
    assert messages(Whitespace, row(" x"), row(" y")) == []


def test_a_row_without_an_answer_has_no_label_and_no_edges() -> None:
    unanswered = Conversation((Message("user", "a"),))
    assert findings(Labels, unanswered) == []
    assert findings(LabelNoise, unanswered) == []
    assert findings(Whitespace, unanswered) == []
