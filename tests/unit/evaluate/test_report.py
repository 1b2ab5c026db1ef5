import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tunery.evaluate.about import About, Curves, DataFile, HardRow, describe_file
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.report import write_report
from tunery.evaluate.report_html import OPEN_SAMPLES, flat_settings, report_page
from tunery.evaluate.report_samples import sample_views, shared_system_prompt

Compared = Callable[..., Comparison]
JSON = '{"a": 1, "b": 2}'
ATTACK = '<script>alert("x")</script><img src="http://example.org/x.png">'
ABOUT = About(
    title="triage",
    created="1 May 2026",
    model="small from a folder",
    machine="2 cores",
    data=(DataFile("test", "test.jsonl", "ab" * 32, 10, 4), DataFile("train", "t", "cd" * 32, 9)),
    settings={"train": {"epochs": 3, "threads": None}, "targets": ("q", "v"), "method": {}},
    versions={"torch": "2.13.0"},
    seconds={"Training": 200.0},
    peak_memory_bytes=2**30,
    notes=("alpha is 32, twice the rank.",),
)
CURVES = Curves([(1, 2.0), (2, 1.0)], [(2, 1.1)])


class Page(HTMLParser):
    """The text, tags and attribute values of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(source)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def mixed(compared: Compared) -> Comparison:
    """One row of each outcome, in an order that is not the report's."""
    return compared(
        [
            (JSON, JSON, '{"b": 2, "a": 1}'),
            (JSON, "", '{"a":1,"b":3,"c":0}'),
            (JSON, f"```json\n{JSON}\n```", JSON),
            (JSON, JSON, "one two three four five six"),
            (JSON, '{"a": NaN, "b": 2}', '{"a": 1, "a": 1, "b": 2}'),
        ],
        max_tokens=5,
    )


def test_writes_both_files_into_a_new_folder(mixed: Comparison, tmp_path: Path) -> None:
    files = write_report(mixed, Curves(), ABOUT, tmp_path / "new" / "folder")
    assert files.json == tmp_path / "new" / "folder" / "report.json"
    assert files.html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    write_report(mixed, Curves(), ABOUT, tmp_path / "new" / "folder")


def test_json_has_a_stable_versioned_schema(mixed: Comparison, tmp_path: Path) -> None:
    files = write_report(mixed, Curves([(1, float("nan")), (2, 1.5)]), ABOUT, tmp_path)
    document = json.loads(files.json.read_text(encoding="utf-8"))
    assert (document["schema"], document["schema_version"]) == ("tunery.report", 1)
    assert set(document) == {
        *("schema", "schema_version", "headline", "verdict", "about", "method", "rows"),
        *("base", "tuned", "paired", "curves", "samples"),
    }
    assert set(document["tuned"]) == {
        *("model", "seconds", "exact_match", "valid_json", "fields", "per_field"),
        *("truncated", "with_extra_keys"),
    }
    assert set(document["tuned"]["fields"]) == {"right", "n", "value", "lower", "upper"}
    assert set(document["paired"]) == {
        *("both_right", "gained", "lost", "both_wrong", "mcnemar_p"),
        *("exact_match_difference", "fields_difference", "valid_json_difference"),
    }
    assert set(document["paired"]["exact_match_difference"]) == {"value", "lower", "upper"}
    assert document["method"]["temperature"] == 0
    assert document["rows"] == {"compared": 5, "unused": []}
    assert document["curves"]["train_loss"] == [[1, None], [2, 1.5]]
    assert document["about"]["data"][0]["sha256"] == "ab" * 32


def test_json_has_every_answer_with_its_grade(mixed: Comparison, tmp_path: Path) -> None:
    files = write_report(mixed, Curves(), ABOUT, tmp_path)
    samples = json.loads(files.json.read_text(encoding="utf-8"))["samples"]
    assert [sample["line"] for sample in samples] == [1, 2, 3, 4, 5]
    assert samples[1]["prompt"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "question 2"},
    ]
    assert samples[1]["tuned"] == {
        "text": '{"a":1,"b":3,"c":0}',
        "finish_reason": "stop",
        "prompt_tokens": 4,
        "completion_tokens": 1,
        "exact": False,
        "valid_json": True,
        "fields": {"a": True, "b": False},
        "extra_keys": ["c"],
    }
    assert samples[3]["tuned"]["finish_reason"] == "length"
    assert samples[3]["tuned"]["text"] == "one two three four five"
    assert samples[2]["tuned"]["exact"] is True


def test_json_of_text_rows_has_nulls_not_zeros(compared: Compared, tmp_path: Path) -> None:
    files = write_report(compared([("yes", "no", "yes")]), Curves(), About("t"), tmp_path)
    document = json.loads(files.json.read_text(encoding="utf-8"))
    assert document["base"]["fields"] is None
    assert document["base"]["valid_json"] is None
    assert document["paired"]["fields_difference"] is None
    assert document["samples"][0]["base"]["fields"] is None
    assert document["samples"][0]["base"]["extra_keys"] == []


def test_page_needs_nothing_but_itself(mixed: Comparison) -> None:
    source = report_page(mixed, CURVES, ABOUT)
    page = Page(source)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(page.tags)
    assert (
        "content",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
    ) in page.attributes
    assert not [value for name, value in page.attributes if name in ("src", "href")]
    assert "http:" not in source
    assert "https:" not in source
    assert "url(" not in source.replace("url(#", "")
    assert "@import" not in source
    assert "prefers-color-scheme: dark" in source
    assert "@media print" in source


def test_text_of_data_and_models_is_escaped_everywhere(compared: Compared) -> None:
    key = f'{{"{ATTACK[:8]}": "{ATTACK[:8]}"}}'
    comparison = compared(
        [(ATTACK, ATTACK, ATTACK), (key, "{}", key), (ATTACK, "</pre>", "<!--")], question=ATTACK
    )
    about = About(
        title=ATTACK,
        created=ATTACK,
        model=ATTACK,
        machine=ATTACK,
        data=(DataFile(ATTACK, ATTACK, ATTACK, 1),),
        settings={ATTACK: ATTACK},
        versions={ATTACK: ATTACK},
        seconds={ATTACK: 1.0},
        notes=(ATTACK,),
    )
    source = report_page(comparison, Curves(), about)
    page = Page(source)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "<script" not in source
    # title twice, three questions, four answers or references, and so on: shown, not run
    assert page.text.count('<script>alert("x")</script>') > 15


def test_page_shows_lost_rows_first_then_wrong_ones(mixed: Comparison) -> None:
    assert [(view.outcome, view.place) for view in sample_views(mixed)] == [
        ("lost", "test.jsonl:4"),
        ("wrong", "test.jsonl:2"),
        ("wrong", "test.jsonl:5"),
        ("gained", "test.jsonl:3"),
        ("right", "test.jsonl:1"),
    ]
    text = Page(report_page(mixed, Curves(), ABOUT)).text
    places = [text.index(f"test.jsonl:{line}") for line in (4, 2, 5, 3, 1)]
    assert places == sorted(places)
    assert "✓ → ✗ Lost: right before, wrong now" in text


def test_answers_say_what_is_wrong_with_them(compared: Compared) -> None:
    comparison = compared(
        [
            (JSON, '{"a": 2, "c": 0}', f"```\n{JSON}\n```"),
            ("one two three", "one two three four", "one two three"),
        ],
        max_tokens=None,
    )
    views = {view.place: view for view in sample_views(comparison)}
    assert views["test.jsonl:1"].base.notes == ("wrong: a, b", "does not belong: c")
    assert views["test.jsonl:1"].tuned.notes == ("not JSON by itself",)
    assert views["test.jsonl:2"].tuned.right
    cut = compared([("one two", "one two three", "one two")], max_tokens=2)
    assert sample_views(cut)[0].base.notes == ("cut at 2 tokens",)


def test_page_holds_all_rows_and_opens_the_first(compared: Compared) -> None:
    comparison = compared([("yes", "no", "yes")] * (OPEN_SAMPLES + 3))
    page = Page(report_page(comparison, Curves(), ABOUT))
    assert page.tags.count("article") == OPEN_SAMPLES + 3
    assert "The other 3 rows" in page.text
    few = Page(report_page(compared([("yes", "no", "yes")]), Curves(), ABOUT))
    assert "The other" not in few.text


def test_page_says_what_was_run_and_how_to_read_it(mixed: Comparison) -> None:
    text = Page(report_page(mixed, Curves(), ABOUT)).text
    for said in (
        *("triage", "1 May 2026", "small from a folder", "2 cores", "ab" * 32, "not counted"),
        *("train.epochs 3", "train.threads not set", "targets q, v", "2.13.0", "3 min 20 s"),
        *("1.00 GiB", "alpha is 32, twice the rank.", "at most 5 tokens an answer"),
        *("5 rows are a sample", "temperature 0", "One engine and one chat template"),
        *("Truncated", "Extra keys", "Field by field", "System prompt of all rows Be brief."),
    ):
        assert said in text, said


def test_page_leaves_out_what_there_is_not(compared: Compared) -> None:
    comparison = compared([("yes", "no", "yes")], max_tokens=None)
    text = Page(report_page(comparison, Curves(), About("bare"))).text
    assert "No loss was recorded for this report." in text
    assert "as long as the context allows" in text
    assert "1 row is a sample" in text
    for absent in ("Field by field", "JSON fields", "Truncated", "SHA-256", "All settings"):
        assert absent not in text, absent


def test_page_lists_rows_that_were_not_compared(compared: Compared) -> None:
    comparison = compared([("yes", "no", "yes"), (" ", "x", "x")])
    text = Page(report_page(comparison, Curves(), About("t"))).text
    assert "1 held-out row is in no number above." in text
    assert "test.jsonl:2 The answer of the last assistant turn is empty." in text


def test_thinned_curve_is_named_as_such(mixed: Comparison) -> None:
    curves = Curves([(step, 1.0) for step in range(1300)])
    assert "means of neighbouring steps" in Page(report_page(mixed, curves, ABOUT)).text
    unchanged = Page(report_page(mixed, CURVES, ABOUT)).text
    assert "How surprised the model is" in unchanged
    assert "means of neighbouring steps" not in unchanged


def test_half_a_surrogate_pair_is_shown_not_fatal(compared: Compared, tmp_path: Path) -> None:
    comparison = compared([('{"a": "\ud83d"}', "\ud83d", "x")])
    files = write_report(comparison, Curves(), About("t"), tmp_path)
    assert "\\ud83d" in files.html.read_text(encoding="utf-8")
    assert json.loads(files.json.read_text(encoding="utf-8"))["samples"][0]["base"]["text"]


def test_numbers_stay_with_their_unit(compared: Compared) -> None:
    source = report_page(compared([("yes", "no", "yes")] * 20), Curves(), About("t"))
    lead = re.search(r'<p class="lead">(.*?)</p>', source)
    assert lead is not None
    assert "100\u00a0% exactly" in lead.group(1)
    assert "+100\u00a0points" in lead.group(1)
    assert "p\u00a0&lt;\u00a00.001" in lead.group(1)


def test_system_prompt_is_shown_once_if_shared(mixed: Comparison) -> None:
    assert shared_system_prompt(mixed) == "Be brief."


def test_settings_become_dotted_names() -> None:
    assert flat_settings({"a": {"b": {"c": 1}}, "d": "x", "e": [1, 2], "f": None, "g": {}}) == [
        ("a.b.c", "1"),
        ("d", "x"),
        ("e", "1, 2"),
        ("f", "not set"),
        ("g", "{}"),
    ]


def test_page_lists_the_rows_that_were_hardest_to_learn(mixed: Comparison) -> None:
    about = About("t", hardest=(HardRow("train.jsonl:7", 3.456, "a < b?", "no"),))
    text = Page(report_page(mixed, Curves(), about)).text
    assert "Training rows with the highest loss" in text
    assert "train.jsonl:7 3.46 a < b? no" in text
    assert "highest loss" not in Page(report_page(mixed, Curves(), ABOUT)).text


def test_a_file_is_described_by_its_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"abc")
    assert describe_file("test", path, rows=1) == DataFile(
        "test", str(path), hashlib.sha256(b"abc").hexdigest(), 3, 1
    )
