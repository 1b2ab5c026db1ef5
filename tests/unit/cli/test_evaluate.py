import inspect
import json

import pytest

from tunery.cli.evaluate import evaluate
from tunery.config.evaluate import EvaluateSection
from tunery.testing.scripted_engine import ScriptedEngine


@pytest.fixture
def rows(tmp_path, tune, workspace):
    """Held-out rows that the tuned model answers right, and the base does not."""
    tune()
    workspace.engine = ScriptedEngine(
        {"base": lambda messages: "no", "shop": lambda messages: messages[-1].content.upper()}
    )
    file = tmp_path / "test.csv"
    file.write_text("question,answer\n" + "".join(f"row {n},ROW {n}\n" for n in range(6)))
    return file


COLUMNS = ("--prompt-column", "question", "--completion-column", "answer")


def test_shows_the_scores_and_writes_a_report(run, rows, workspace):
    result = run("eval", "shop", "--data", rows, *COLUMNS, "--threads", 2)

    assert "Exact match  6 rows  0 % [0, 39]  100 % [61, 100]  +100 points" in result.stdout
    (report,) = (workspace.home / "evaluations").glob("shop-*/report.html")
    assert f"Report: {report}" in result.stdout
    assert workspace.opened == [(["shop"], 2)]


def test_as_json_standard_output_is_the_report(run, rows, workspace):
    result = run("eval", "shop", "--data", rows, *COLUMNS, "--limit", 4, "--json")

    document = json.loads(result.stdout)
    (report,) = (workspace.home / "evaluations").glob("shop-*/report.json")
    assert document == json.loads(report.read_text())
    assert document["rows"]["compared"] == 4
    assert document["tuned"]["exact_match"]["value"] == 1
    assert str(report.with_suffix(".html")) in result.stderr


def test_options_reach_the_comparison(run, rows):
    args = ("--max-tokens", 1, "--batch-size", 2, "--system", "Be short.", "--json")
    result = run("eval", "shop", "--data", rows, *COLUMNS, *args)

    document = json.loads(result.stdout)
    assert document["method"]["max_tokens"] == 1
    assert document["method"]["batch_size"] == 2
    assert document["tuned"]["truncated"] == 6
    assert document["samples"][0]["prompt"][0] == {"role": "system", "content": "Be short."}


def test_a_model_that_was_not_tuned(run, rows, workspace):
    result = run("eval", "shopp", "--data", rows, expect=2)

    assert "There is no tuned model 'shopp'" in result.stderr
    assert "Did you mean shop?" in result.stderr
    assert workspace.opened == []


def test_a_file_that_is_not_there_is_told_before_a_model_is_loaded(run, workspace, tmp_path):
    result = run("eval", "shop", "--data", tmp_path / "nowhere.csv", expect=2)
    assert "There is no file" in result.stderr
    assert workspace.opened == []


def test_rows_may_be_a_data_set(run, rows):
    run("data", "add", rows, "held-out", *COLUMNS)
    result = run("eval", "shop", "--data", "library:held-out", *COLUMNS, "--json")
    (file,) = json.loads(result.stdout)["about"]["data"]
    assert file["path"] == "library:held-out@v1"


def test_columns_that_are_not_there(run, rows):
    assert "expected those of a format" in run("eval", "shop", "--data", rows, expect=2).stderr


def test_defaults_are_those_of_the_configuration():
    defaults = {name: p.default for name, p in inspect.signature(evaluate).parameters.items()}

    assert {name: defaults[name] for name in EvaluateSection.model_fields} == (
        EvaluateSection().model_dump()
    )
