import itertools

import pytest

from tunery.data.checks.language import SAMPLE, LanguageMix, language_of
from tunery.data.checks.rows import ROW_CHECKS, TOLD_ONCE
from tunery.data.checks.size import RowCount
from tunery.data.conversation import Conversation, Message
from tunery.data.findings import CODES, Place
from tunery.data.records import Record

ENGLISH = "I would like to know when my new card will arrive at home, since the old one expires."
GERMAN = "Ich möchte wissen, wann meine neue Karte ankommt, denn die alte läuft bald schon ab."
FRENCH = "Je voudrais savoir quand ma nouvelle carte arrivera, car l'ancienne expire bientôt."


def row(prompt: str, answer: str = "ok") -> Conversation:
    return Conversation((Message("user", prompt), Message("assistant", answer)))


def seen(*rows: Record, first: int = 1) -> LanguageMix:
    mix = LanguageMix()
    for line, record in enumerate(rows, start=first):
        mix.add(record, Place("rows.jsonl", line))
    return mix


@pytest.mark.parametrize(
    ("text", "language"),
    [(ENGLISH, "en"), (GERMAN, "de"), (FRENCH, "fr"), ("Yes.", ""), ("", ""), ("1 + 1 = " * 20, ""),
     ("我想知道我的新卡什么时候能到家\uff0c因为旧卡很快就要过期了。", "zh"), ("\ud83d" * 50, "")],
)  # fmt: skip
def test_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


def test_one_language_has_no_finding() -> None:
    assert seen().findings() == []
    assert seen(*[row(ENGLISH)] * 50).findings() == []
    assert seen(*[row("ok")] * 50).findings() == []
    assert seen(*[row(ENGLISH)] * 98, *[row(GERMAN)] * 2).findings() == []


def test_a_mix_is_told_with_its_uncertainty() -> None:
    [finding] = seen(*[row(ENGLISH)] * 45, *[row(GERMAN)] * 4, row(FRENCH)).findings()
    assert (finding.code, finding.line) == ("language.mix", 0)
    assert finding.message == (
        "10% of the 50 rows whose language could be told (95 % interval 4.3% to 21.4%; 50 of 50 "
        "rows were looked at): rows are in other languages than en; found: en 45, de 4, fr 1"
    )


def test_answers_in_another_language() -> None:
    [finding] = seen(*[row(ENGLISH, GERMAN)] * 20).findings()
    assert finding.code == "language.mismatch"
    assert "mostly en answered in de" in finding.message


def test_a_large_file_is_sampled_in_any_order_of_parts() -> None:
    rows = [row(f"{ENGLISH if n % 4 else GERMAN} {n}") for n in range(3 * SAMPLE)]
    whole = seen(*rows)
    joined = LanguageMix()
    for start, end in itertools.pairwise((0, 100, 2_500, 3_000)):
        joined.merge(seen(*rows[start:end], first=start + 1))
    assert joined.findings() == whole.findings()
    assert len(whole.sample) == SAMPLE
    assert "1,000 of 3,000 rows were looked at" in whole.findings()[0].message


@pytest.mark.parametrize(
    ("rows", "code"), [(0, None), (1, "data.too_few_rows"), (9, "data.too_few_rows"),
                       (10, None), (50, None)],
)  # fmt: skip
def test_too_few_rows(rows: int, code: str | None) -> None:
    count, part = RowCount(), RowCount()
    for line in range(rows):
        (count if line % 2 else part).add(row("a"), Place("rows.jsonl", line))
    count.merge(part)
    assert [f.code for f in count.findings()] == ([code] if code else [])


def test_the_table_of_row_checks() -> None:
    assert len(set(ROW_CHECKS)) == len(ROW_CHECKS)
    assert set(CODES) >= TOLD_ONCE
    assert [list(check(row("Where?"), Place("a", 1))) for check in ROW_CHECKS] == [[]] * len(
        ROW_CHECKS
    )
