import pickle
import random

import pytest

from tunery.data.checks.leakage import SplitDigests, leaks
from tunery.data.checks.near import NearDuplicates
from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.findings import Place
from tunery.data.records import Text

WORDS = [f"word{n}" for n in range(3_000)]


def words(count: int, seed: int) -> list[str]:
    return random.Random(seed).choices(WORDS, k=count)


def row(prompt: str, answer: str = "yes", system: str = "") -> Conversation:
    return Conversation(
        (Message("system", system), Message("user", prompt), Message("assistant", answer))
    )


def seen(*rows: Conversation | Text, first: int = 1) -> NearDuplicates:
    near = NearDuplicates()
    for line, record in enumerate(rows, start=first):
        near.add(record, Place("rows.jsonl", line))
    return near


def changed(said: list[str], every: int) -> str:
    return " ".join("other" if n % every == every - 1 else word for n, word in enumerate(said))


def test_rows_with_a_word_changed_are_found() -> None:
    said = words(120, 1)
    [finding] = seen(row(" ".join(said)), row("else"), row(changed(said, 60))).findings()
    assert (finding.code, finding.line) == ("row.near_duplicate", 3)
    assert "nearly the same as line 1 (estimated similarity " in finding.message


def test_case_and_spaces_do_not_count() -> None:
    [pair] = seen(row("Where is  my card"), row("where IS my card")).pairs()
    assert pair == (0, 1, 1.0)


def test_what_is_not_nearly_the_same() -> None:
    said = words(120, 1)
    assert seen().findings() == []
    assert seen(row("a")).findings() == []
    assert seen(row(" ".join(said)), row(" ".join(said))).findings() == []  # exact: another check
    assert seen(row(" ".join(said)), row(changed(said, 6))).findings() == []
    assert seen(row("a", system=" ".join(said)), row("b", system=" ".join(said))).findings() == []
    assert seen(row("", ""), row(" ", "")).findings() == []


def test_two_questions_about_one_passage_are_two_questions() -> None:
    passage = " ".join(words(300, 1))
    one = row(f"{passage}\n\nWho built the old bridge over the river?", "The Romans did")
    two = row(f"{passage}\n\nWhen was it closed for cars at last?", "In the year 1987")
    assert seen(one, two).findings() == []


def test_scripts_without_spaces() -> None:
    text = "".join(chr(0x4E00 + n) for n in random.Random(2).choices(range(3_000), k=300))
    assert len(seen(Text(text), Text(text[:150] + "新" + text[151:])).findings()) == 1


def test_calls_are_compared() -> None:
    def calling(arguments: str) -> Conversation:
        call = Message("assistant", "", tool_calls=(ToolCall("f", arguments),))
        return Conversation((Message("user", "do it"), call))

    near = [calling(" ".join(words(80, seed))) for seed in (1, 2)]
    assert seen(*near).findings() == []


def test_found_among_many_rows() -> None:
    rows = [row(" ".join(words(60, seed))) for seed in range(400)]
    copies = [row(changed(words(60, seed), 50)) for seed in range(100)]
    found = {(pair.earlier, pair.later) for pair in seen(*rows, *copies).pairs()}
    right = {(seed, 400 + seed) for seed in range(100)}
    assert found <= right
    assert len(found) >= 95


@pytest.mark.parametrize("cut", [0, 1, 7, 20])
def test_parts_joined_find_the_same(cut: int) -> None:
    rows = [row(changed(words(60, n % 9), 30 + n)) for n in range(20)]
    joined = seen(*rows[:cut])
    joined.merge(pickle.loads(pickle.dumps(seen(*rows[cut:], first=cut + 1))))
    assert joined.findings() == seen(*rows).findings()
    assert joined.findings()


def digests(file: str, *rows: Conversation, near: bool = True) -> SplitDigests:
    made = SplitDigests(with_near=near)
    for line, record in enumerate(rows, start=1):
        made.add(record, Place(file, line))
    return made


def test_leaks_are_told_by_the_strongest() -> None:
    said = words(80, 1)
    train = digests("train.jsonl", row("a", "x"), row(" ".join(said)), row("c", "z"))
    test = digests(
        "test.jsonl", row("new"), row("a", "x"), row("c", "other"), row(changed(said, 70))
    )
    found = leaks(train, test)
    assert [(f.code, f.line, f.file) for f in found] == [
        ("leak.row", 2, "test.jsonl"),
        ("leak.prompt", 3, "test.jsonl"),
        ("leak.near", 4, "test.jsonl"),
    ]
    assert found[0].message == "the row is also line 1 of train.jsonl"
    assert found[1].message == "the prompt is also that of line 3 of train.jsonl"
    assert "nearly the same as line 2 of train.jsonl" in found[2].message


def test_leaks_of_parts_and_without_near() -> None:
    train = digests("train.jsonl", row("a"), near=False)
    train.merge(digests("train.jsonl", row("b"), near=False))
    test = digests("test.jsonl", row("b"), near=False)
    assert [f.code for f in leaks(train, test)] == ["leak.row"]
    assert leaks(train, digests("test.jsonl", row(""), near=False)) == []
    assert leaks(digests("train.jsonl", row("", "x")), digests("t.jsonl", row("", "y"))) == []
