"""Split, mix and dedupe: what they say adds up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunery.cli.data_shape import _weighted


def row(question, answer="yes", **keys):
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": turns, **keys})


@pytest.fixture
def write(tmp_path):
    def make(*lines, name="rows.jsonl"):
        file = tmp_path / name
        file.write_text("".join(line + "\n" for line in lines))
        return file

    return make


def test_split_tells_sizes_and_the_sum(run, write, tmp_path):
    file = write(*(row(f"q {n}") for n in range(20)), "{bad")
    out = run("data", "split", file, "--out-dir", tmp_path / "out").stdout
    assert [line.split()[:4] for line in out.splitlines()[1:4]] == [
        ["train", "16", "80.00%", "80.00%"],
        ["validation", "2", "10.00%", "10.00%"],
        ["test", "2", "10.00%", "10.00%"],
    ]
    assert f"{file}:21  json.invalid" in out
    assert out.splitlines()[-1] == "21 rows in = 20 rows out + 1 rows listed"


def test_split_tells_what_was_not_taken(run, write, tmp_path):
    file = write(*(row(f"q {n}", user=n) for n in range(20)), row("x"))
    args = ("data", "split", file, "--out-dir", tmp_path / "out", "--shares", "1,0,1", "--limit")
    first = run(*args, 10, "--first")
    assert "11 rows were not taken: --limit took the first rows." in first.stderr
    assert first.stdout.endswith("21 rows in = 10 rows out + 11 rows listed or not taken\n")
    assert "a sample by seed 3" in run(*args, 10, "--force", "--seed", 3).stderr
    grouped = run(*args, 21, "--force", "--group-by", "user")
    assert "1 rows have no user; equal prompts stay together there." in grouped.stderr


def test_split_tells_labels_that_a_part_lacks(run, write, tmp_path):
    rows = [row(f"q {n}", "usual", kind="usual") for n in range(20)]
    rows += [row(f"r {n}", f"r {n}", kind=f"rare {n}") for n in range(7)]
    file = write(*rows)
    args = ("data", "split", file, "--out-dir", tmp_path / "out", "--shares", "8,0,2", "--force")
    for option in (("--stratify",), ("--stratify-by", "kind")):
        told = run(*args, *option).stderr
        assert "test has no row of" in told
        assert "and others" in told


def test_split_for_programs(run_json, write, tmp_path):
    file = write(*(row(f"q {n}") for n in range(10)), "{bad")
    answer = run_json("data", "split", file, "--out-dir", tmp_path / "out")
    assert [(part["name"], part["rows"]) for part in answer["parts"]] == [
        ("train", 8),
        ("validation", 1),
        ("test", 1),
    ]
    assert answer["total"] == 11
    assert answer["listed"][0]["line"] == 11


@pytest.mark.parametrize("shares", ["80", "a,b,c", "0,0,0", "nan,1,1", ""])
def test_shares_that_are_none(run, write, tmp_path, shares):
    file = write(row("a"), row("b"))
    told = run("data", "split", file, "--out-dir", tmp_path / "o", "--shares", shares, expect=2)
    assert "expected" in told.stderr


def test_mix_tells_what_it_took(run, run_json, write, tmp_path):
    own = write(*(row(f"a {n}") for n in range(6)), name="own.jsonl")
    other = write(*(row(f"b {n}") for n in range(9)), "{bad", name="other.jsonl")
    out = tmp_path / "mix.jsonl"
    told = run("data", "mix", f"{own}:2", other, "--out", out).stdout
    assert "15 rows in" not in told
    assert "16 rows in = 9 rows out + 7 rows left out" in told
    assert told.endswith(f"{out}: 9 rows, 0 of them repetitions\n")
    more = run_json("data", "mix", f"{own}:2", other, "--rows", 30, "--out", out, "--force")
    assert (more["rows"], [f["different"] for f in more["files"]]) == (30, [6, 9])
    assert [f["taken"] for f in more["files"]] == [20, 10]


def test_files_with_colons_and_without_weights():
    assert _weighted("a.jsonl:2") == (Path("a.jsonl"), 2.0)
    assert _weighted("a.jsonl") == (Path("a.jsonl"), 1.0)
    assert _weighted("library:7") == (Path("library:7"), 1.0)
    assert _weighted("library:x@v2:0.5") == (Path("library:x@v2"), 0.5)
    assert _weighted("a:b.jsonl") == (Path("a:b.jsonl"), 1.0)


def test_dedupe_lists_lines(run, run_json, write, tmp_path):
    file = write(row("a"), row("b"), row("a"), "{bad")
    out = tmp_path / "out.jsonl"
    told = run("data", "dedupe", file, "--out", out).stdout
    assert told.splitlines()[1].split() == ["3", "1"]
    assert told.splitlines()[-1] == "4 rows in = 2 rows out + 2 rows listed"
    answer = run_json("data", "dedupe", file, "--out", out, "--force")
    assert answer["dropped"] == [{"line": 3, "same_as": 1, "exact": True}]


def test_long_lists_are_cut_and_said_to_be(run, write, tmp_path):
    file = write(*[row("a")] * 30)
    told = run("data", "dedupe", file, "--out", tmp_path / "out.jsonl")
    assert "These are the first 20 of 29" in told.stderr


def test_a_data_set_is_a_file(run, write, tmp_path):
    file = write(*(row(f"q {n}") for n in range(10)))
    run("data", "add", file, "support")
    out = tmp_path / "out.jsonl"
    run("data", "dedupe", "library:support", "--out", out)
    assert out.read_bytes() == file.read_bytes()
    assert (
        "has no data set other"
        in run("data", "dedupe", "library:other", "--out", out, expect=2).stderr
    )
