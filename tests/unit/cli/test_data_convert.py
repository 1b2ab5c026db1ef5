import json
import typing

import pytest

from tunery.cli import data_convert
from tunery.data.convert.target import TargetName

ANSWER = {"role": "assistant", "content": "b"}
GOOD = {"messages": [{"role": "user", "content": "a"}, ANSWER]}
WEIGHTED = {"messages": [{"role": "user", "content": "a"}, {**ANSWER, "weight": 0}]}


@pytest.fixture
def file(tmp_path):
    def write(*rows):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def test_all_rows_written_end_with_0(run, file, tmp_path):
    out = tmp_path / "out.jsonl"

    shown = run("data", "convert", file(GOOD), out, "--to", "alpaca").stdout

    assert shown.splitlines()[-1] == f"1 rows in = 1 written to {out} + 0 listed"
    assert json.loads(out.read_text()) == {"instruction": "a", "input": "", "output": "b"}


def test_some_rows_listed_end_with_1(run_json, file, tmp_path):
    out = tmp_path / "out.jsonl"

    document = run_json("data", "convert", file(GOOD, WEIGHTED), out, "--to", "trl", expect=1)

    assert (document["rows"], document["written"], document["listed"]) == (2, 1, 1)
    assert (document["format"], document["to"], document["out"]) == ("chat", "trl", str(out))
    assert [(f["code"], f["line"]) for f in document["findings"] if f["severity"] == "error"] == [
        ("convert.not_held", 2)
    ]


def test_no_row_written_ends_with_2(run, file, tmp_path):
    out = tmp_path / "out.jsonl"

    shown = run("data", "convert", file(*[WEIGHTED] * 60), out, "--to", "trl", expect=2)

    assert not out.exists()
    assert "60 rows in = 0 written + 60 listed" in shown.stdout
    assert "first 50 of 120" in shown.stderr


def test_a_file_is_replaced_only_by_force(run, file, tmp_path):
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    command = ("data", "convert", file(GOOD), out, "--to", "openai")

    assert "already there" in run(*command, expect=2).stderr
    assert out.read_text() == "mine"
    run(*command, "--force")
    assert json.loads(out.read_text()) == GOOD


def test_targets_are_those_that_can_be_written():
    offered = typing.get_args(data_convert.Target)[0]

    assert typing.get_args(offered) == typing.get_args(TargetName)
