"""The library's commands: what they say, and what they give programs."""

from __future__ import annotations

import json

import pytest

from tunery.data.library.store import record_file


@pytest.fixture
def rows(tmp_path):
    def write(*questions, name="rows.jsonl"):
        file = tmp_path / name
        turns = [
            [{"role": "user", "content": q}, {"role": "assistant", "content": "yes"}]
            for q in questions
        ]
        file.write_text("".join(json.dumps({"messages": turn}) + "\n" for turn in turns))
        return file

    return write


def test_add_says_the_name_to_train_on(run, rows):
    out = run("data", "add", rows("a", "b"), "support").stdout
    assert out.startswith("Added support@v1: 2 rows, ")
    assert out.splitlines()[1] == "Train on it with: data.train: library:support@v1"


def test_add_for_programs(run_json, rows):
    assert run_json("data", "add", rows("a"), "support")["new"] is True
    again = run_json("data", "add", rows("a"), "support")
    assert (again["new"], again["name"], again["version"]) == (False, "support", "v1")


def test_the_same_bytes_are_said_to_be_there(run, rows):
    run("data", "add", rows("a"), "support")
    run("data", "add", rows("b"), "support")
    again = run("data", "add", rows("a"), "support")
    assert "is support@v1 already: the same bytes" in again.stdout
    assert "The newest version is still support@v2; name support@v1" in again.stderr


def test_rows_with_errors_are_counted(run, rows):
    file = rows("a")
    file.write_text(file.read_text() + "{bad\n")
    assert "2 rows (1 of them with errors)" in run("data", "add", file, "support").stdout


def test_list(run, run_json, rows):
    assert "The library is empty" in run("data", "list").stderr
    run("data", "add", rows("a"), "support")
    run("data", "add", rows("a", "b"), "support")
    run("data", "add", rows("a"), "other")
    lines = run("data", "list").stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["other", "v1", "1"],
        ["support", "v2", "2"],
    ]
    listed = run_json("data", "list")
    assert [(d["name"], [v["version"] for v in d["versions"]]) for d in listed] == [
        ("other", ["v1"]),
        ("support", ["v1", "v2"]),
    ]


def test_a_damaged_record_does_not_hide_the_others(run, workspace, rows):
    run("data", "add", rows("a"), "support")
    run("data", "add", rows("a"), "other")
    record_file(workspace.home, "other").write_text("{")
    result = run("data", "list")
    assert "is damaged" in result.stderr
    assert "support" in result.stdout


def test_show(run, run_json, rows):
    file = rows("a", "a")
    run("data", "add", file, "support", "--licence", "CC0", "--source", "a form")
    out = run("data", "show", "support").stdout
    for text in ("support@v1", "row.duplicate 1", "CC0", "a form", "compared with the file"):
        assert text in out
    facts = run_json("data", "show", "support@v1")
    assert (facts["version"], facts["file"], facts["contents"]["rows"]) == ("v1", "rows.jsonl", 2)
    assert facts["path"].endswith(f"{facts['sha256']}.jsonl")
    assert str(file.parent) not in json.dumps(facts["all"])


def test_rm(run, run_json, workspace, rows):
    run("data", "add", rows("a"), "support")
    folder = workspace.home / "runs" / "first"
    folder.mkdir(parents=True)
    (folder / "run.yaml").write_text("data:\n  train: library:support@v1\n")
    assert "is named by 1 run(s): runs/first" in run("data", "rm", "support", expect=2).stderr
    result = run("data", "rm", "support", "--force")
    assert "Removed v1 of support" in result.stdout
    assert "runs/first" in result.stderr
    run("data", "add", rows("b"), "support")
    removed = run_json("data", "rm", "support@v2")
    assert (removed["removed"], removed["runs"]) == ([2], [])


def test_names_that_are_none(run, rows):
    for arguments in (("add", rows("a"), "../x"), ("show", "a b"), ("rm", "x@1")):
        result = run("data", *arguments, expect=2)
        assert "; expected" in result.stderr
    assert "has no data set x" in run("data", "show", "x", expect=2).stderr
