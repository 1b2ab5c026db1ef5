import json
from pathlib import Path
from typing import Any

import pytest

from tunery.data.detect import detect_format
from tunery.data.findings import Place
from tunery.data.formats.table import FORMATS
from tunery.data.read import read_records


def test_instances_and_nested_squad_are_unfolded() -> None:
    place = Place("", 1)
    unfold = FORMATS["alpaca"].unfold
    assert unfold is not None
    whole = {"id": 1, "instruction": "a", "instances": [{"output": "b"}, {"output": "c"}]}
    assert list(unfold(whole, place)) == [
        {"id": 1, "instruction": "a", "output": "b"},
        {"id": 1, "instruction": "a", "output": "c"},
    ]
    unfold = FORMATS["qa"].unfold
    assert unfold is not None
    article = {"title": "t", "paragraphs": [{"context": "P.", "qas": [{"question": "Q?"}]}]}
    question = {"context": "P.", "question": "Q?"}
    assert list(unfold({"version": "v2.0", "data": [article, article]}, place)) == [question] * 2
    assert list(unfold(article, place)) == [question]
    assert list(unfold(question, place)) == [question]
    assert detect_format([{"data": [article]}], "a").format == "qa"


@pytest.mark.parametrize(
    ("format", "value", "code"),
    [
        ("alpaca", {"instances": []}, "alpaca.bad_instances"),
        ("alpaca", {"instances": ["a"]}, "alpaca.bad_instances"),
        ("qa", {"data": 3}, "qa.bad_nesting"),
        ("qa", {"data": [3]}, "qa.bad_nesting"),
        ("qa", {"data": [{}]}, "qa.bad_nesting"),
        ("qa", {"paragraphs": [3]}, "qa.bad_nesting"),
        ("qa", {"paragraphs": [{"context": "P."}]}, "qa.bad_nesting"),
        ("qa", {"paragraphs": [{"qas": [3]}]}, "qa.bad_nesting"),
    ],
)
def test_what_cannot_be_unfolded_is_a_finding(format: Any, value: Any, code: str) -> None:
    unfold = FORMATS[format].unfold
    assert unfold is not None
    assert [found.code for found in unfold(value, Place("", 1))] == [code]  # type: ignore[union-attr]


def test_a_file_has_as_many_rows_as_stand_in_its_objects(tmp_path: Path) -> None:
    path = tmp_path / "squad.jsonl"
    questions = [{"question": f"Q{n}?", "answers": [{"text": "P"}]} for n in range(3)]
    article = {"paragraphs": [{"context": "P.", "qas": [*questions, 3]}]}
    path.write_text(json.dumps({"data": [article]}) + "\n{nonsense\n")
    result = read_records(path)
    assert (result.format, result.total, len(result.rows)) == ("qa", 5, 3)
    errors = [(f.code, f.line) for f in result.findings if f.severity == "error"]
    assert errors == [("qa.bad_nesting", 1), ("json.invalid", 2)]
