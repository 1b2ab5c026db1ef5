import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunery.data.checks.text import (
    check_answer,
    check_characters,
    check_control_tokens,
    check_placeholders,
)
from tunery.data.conversation import Conversation, Message
from tunery.data.findings import Finding, Place
from tunery.data.records import Judged, Preference, Record, Reinforcement, Text

PLACE = Place("rows.jsonl", 4)
CHECKS = (check_characters, check_control_tokens, check_placeholders, check_answer)
SENTENCE = "The capital of Norway is Oslo."


def row(answer: str, prompt: str = "Where is it?", **keys: float) -> Conversation:
    return Conversation((Message("user", prompt), Message("assistant", answer, **keys)))


def found(record: Record) -> list[Finding]:
    return [finding for check in CHECKS for finding in check(record, PLACE)]


def codes(record: Record) -> list[str]:
    return [finding.code for finding in found(record)]


@pytest.mark.parametrize(
    "answer",
    [
        "Yes.",
        'def f(x): return {"a": {x: [1, 2]}}  # a<b>c, x[INDEX]',
        "Voilà\u202f: il a dit « voilà ».".replace("\u202f", " "),
        "Das macht Spaß“, sagte er…",
        "São Paulo, NÃO, Ünïcödé, Ελλάδα, 東京, Привет",
        "👩\u200d👩\u200d👧 \u0645\u06cc\u200c\u062e\u0648",
        "| a | b |\n|---|---|\n" + "".join(f"| {n} | {n * n} |\n" for n in range(40)),
    ],
)
def test_ordinary_texts_have_no_finding(answer: str) -> None:
    assert codes(row(answer)) == []


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "<|endoftext|>", "</s>", "[INST]", "[/INST]", "<start_of_turn>", "<|eot_id|>",
     "<<SYS>>", "<\uff5cUser\uff5c>", "<|end|>"],
)  # fmt: skip
def test_control_tokens(token: str) -> None:
    [finding] = found(row("Yes.", prompt=f"Is it {token} here?"))
    assert finding.code == "text.control_token"
    assert token in finding.message


@pytest.mark.parametrize(
    "text",
    ["{{name}}", "{{ user.name }}", "<INSERT NAME>", "[YOUR NAME]", "[Your Company]",
     "Lorem ipsum", "TODO"],
)  # fmt: skip
def test_placeholders(text: str) -> None:
    [finding] = found(row(text))
    assert finding.code == "text.placeholder"
    assert text in finding.message
    assert codes(row("Hello", prompt=text)) == []
    assert codes(row(text, weight=0)) == []


@pytest.mark.parametrize(
    ("char", "name"),
    [("\u200b", "zero width space"), ("\ufeff", "zero width no-break space"),
     ("\xa0", "no-break space"), ("\u202e", "right-to-left override"),
     ("\x00", "control character"), ("\x1b", "control character"), ("\x7f", "U+007F")],
)  # fmt: skip
def test_invisible_characters(char: str, name: str) -> None:
    [finding] = found(row(f"a{char}b{char}"))
    assert finding.code == "text.invisible"
    assert name in finding.message


@pytest.mark.parametrize(
    "text", ["café", "it\u2019s", "“so”", "10 €", "Größe", "50 °C", "Привет", "東京", "🙂", "naïve"]
)
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_mojibake(text: str, encoding: str) -> None:
    data = text.encode()
    wrong = "".join(
        bytes([b]).decode(encoding) if b not in b"\x81\x8d\x8f\x90\x9d" else chr(b) for b in data
    )
    assert "text.mojibake" in codes(row(wrong))
    assert codes(row(text)) == []


def test_a_lost_character() -> None:
    assert codes(row("caf\ufffd")) == ["text.mojibake"]


def test_letters_that_only_look_like_mojibake() -> None:
    assert codes(row("\u00e2\u20ac\u20ac")) == []  # would be a space that nobody types
    assert codes(row("\u00ed\xa0\u20ac" * 2)) == ["text.invisible"]  # would be no UTF-8


def test_half_characters() -> None:
    [finding] = found(row("ok", prompt="cut \ud83d here"))
    assert (finding.code, finding.severity) == ("text.half_character", "error")
    assert "\\ud83d" in finding.message


def test_the_answer_is_the_prompt_or_ends_it() -> None:
    assert codes(row(SENTENCE, prompt=SENTENCE + "\n")) == ["text.answer_is_prompt"]
    assert codes(row(SENTENCE, prompt=f"Repeat?\n{SENTENCE}")) == ["text.answer_in_prompt"]
    assert codes(row(" " * 30, prompt="a")) == []


def test_answers_that_stand_in_prompts_by_nature() -> None:
    assert codes(row("Oslo", prompt="Which? Bergen, Oslo")) == []
    assert codes(row(SENTENCE, prompt=f"{SENTENCE}\nWhere?")) == []
    for mark in ("- ", "(D) ", "4. ", "D: "):
        assert codes(row(SENTENCE, prompt=f"Which is true?\nA: no\n{mark}{SENTENCE}")) == []


@pytest.mark.parametrize("piece", ["Eat a banana! ", "ha", "=", "A much longer sentence that " * 2])
def test_answers_in_circles(piece: str) -> None:
    assert "text.repetitive" in codes(row("Well. " + piece * 300))


def test_a_repeated_end_alone_is_no_circle() -> None:
    assert codes(row(" ".join(str(n) for n in range(500)) + "=" * 40)) == []


def test_every_kind_of_record_is_read() -> None:
    user, bad, fine = Message("user", "a"), Message("assistant", "</s>"), Message("assistant", "b")
    rows: list[Record] = [
        Text("</s>"),
        Preference((user,), (fine,), (bad,)),
        Judged((user,), (bad,), good=False),
        Reinforcement((user,), '{"a": "</s>"}'),
    ]
    for record in rows:
        assert codes(record) == ["text.control_token"]
    assert codes(Judged((user,), (Message("assistant", "{{x}}"),), good=False)) == []


@pytest.mark.parametrize(
    "text",
    ["{" * 2_000_000, "{{a" * 500_000, "[YOUR " * 300_000, "<|im_" * 300_000, "Ã" * 1_000_000,
     "a" * 2_000_000, "</" * 1_000_000, "{{" + " " * 2_000_000],
)  # fmt: skip
def test_no_text_hangs(text: str) -> None:
    started = time.perf_counter()
    found(row(text, prompt=text))
    assert time.perf_counter() - started < 2


@given(st.text(st.characters()), st.text())
def test_any_text_ends_in_findings(answer: str, prompt: str) -> None:
    found(row(answer, prompt=prompt))
