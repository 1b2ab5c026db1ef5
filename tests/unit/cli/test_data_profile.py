import json

import pytest

from tunery.testing.tiny_models import save_tiny_model

MODEL = "tiny"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("models") / MODEL)


@pytest.fixture
def file(tmp_path, workspace, tiny):
    (workspace.home / "models").mkdir(parents=True)
    (workspace.home / "models" / MODEL).symlink_to(tiny)
    path = tmp_path / "rows.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"Q{n}"}, {"role": "assistant", "content": text}]}
        for n, text in enumerate(["yes", "no"] * 6 + ["long " * 150])
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_profile_is_one_json_object(run_json, file):
    document = run_json("data", "profile", file, "--model", MODEL)
    assert (document["model"], document["rows"], document["used"]) == (MODEL, 13, 12)
    assert document["tokens"]["too_long"]["rows"] == 1
    assert document["tokens"]["all"]["n"] == 13
    assert document["sharing"]["batch_size"] == 8
    assert {"code": "row.too_long", "severity": "error", "count": 1} in document["findings"]


def test_the_profile_is_shown_to_people(run, file):
    shown = run("data", "profile", file, "--model", MODEL, "--batch-size", "4").stdout
    assert "13 in the file: 12 used, 1 with errors" in shown
    assert "batches of 4 rows save" in shown
    assert "row.too_long" in shown
    assert "1 row has more than 512 tokens" in shown


def test_a_sample_has_intervals(run, file):
    shown = run("data", "profile", file, "--model", MODEL, "--sample", "6").stdout
    assert "A sample of 6 of 13 rows" in shown
    assert "Student's t" in shown


def test_the_page_is_written(run_json, file, tmp_path):
    page = tmp_path / "page.html"
    run_json("data", "profile", file, "--model", MODEL, "--html", page)
    assert "Rows as the model reads them" in page.read_text()


def test_rows_are_shown_with_what_is_trained(run, file):
    shown = run("data", "rows", file, "--model", MODEL, "--line", "2", "--tokens").stdout
    assert "rows.jsonl:2: " in shown
    assert "|n|o|" in shown
    assert "Q0" not in shown
    many = run("data", "rows", file, "--model", MODEL, "--rows", "2").stdout
    assert "Q0" in many
    assert "Q2" not in many


def test_a_line_without_a_row_is_told(run, file):
    result = run("data", "rows", file, "--model", MODEL, "--line", "99", expect=2)
    assert "no row to show on line 99" in result.stderr
