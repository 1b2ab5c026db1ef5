import json

import pytest
from benchmarks.data_check.__main__ import Measured, as_text, summary
from benchmarks.data_check.bare import main as bare
from benchmarks.data_check.files import KINDS, make_file
from benchmarks.data_check.notebook import count, format_errors
from benchmarks.data_check.notebook import main as notebook

from tunery.testing.tiny_models import tiny_tokenizer


@pytest.fixture
def sources(tmp_path):
    for kind in KINDS.values():
        path = tmp_path / kind.source
        path.parent.mkdir()
        with path.open("w") as out:
            for number in range(4):
                turns = [
                    ("system", "Answer in one word."),
                    ("user", f"How many are {number}? Say it. Please."),
                    ("assistant", f"{number}. That is all."),
                ]
                messages = [{"role": role, "content": text} for role, text in turns]
                out.write(json.dumps({"messages": messages}) + "\n")
    return tmp_path


def texts(path):
    rows = [json.loads(line)["messages"] for line in path.read_text().splitlines()]
    return [turn["content"] for row in rows for turn in row]


def test_files_have_the_repeats_that_they_are_named_for(sources):
    path = sources / "gsm8k.jsonl"
    assert make_file(KINDS["gsm8k"], sources, path, rows=30, size=0) == 30
    assert len(set(texts(path))) == len(texts(path)) == 60
    path = sources / "banking77.jsonl"
    rows = make_file(KINDS["banking77"], sources, path, rows=None, size=3000)
    assert 3000 <= path.stat().st_size < 3500
    assert len(set(texts(path))) <= rows + 1 + 4
    path.write_text("kept")
    assert make_file(KINDS["banking77"], sources, path, rows=None, size=3000) == rows
    assert path.read_text() == "kept"


def test_the_same_seed_makes_the_same_file(sources):
    paths = [sources / "a.jsonl", sources / "b.jsonl"]
    for path in paths:
        make_file(KINDS["gsm8k"], sources, path, rows=5, size=0)
    assert paths[0].read_text() == paths[1].read_text()


def test_other_sides_count_every_text(sources, capsys):
    tokenizer = tiny_tokenizer().backend_tokenizer
    tokenizer.save(str(sources / "tokenizer.json"))
    path = sources / "rows.jsonl"
    rows = make_file(KINDS["banking77"], sources, path, rows=7, size=0)
    bare(str(path), str(sources / "tokenizer.json"))
    found = json.loads(capsys.readouterr().out)
    distinct = dict.fromkeys(texts(path))
    assert found["tokens"] == sum(len(text.encode()) for text in distinct)
    notebook(str(path), str(sources / "tokenizer.json"))
    found = json.loads(capsys.readouterr().out)
    assert (found["errors"], found["turns"]["max"]) == (0, 3)
    messages = [{"role": "user", "content": "ab"}, {"role": "assistant", "content": "c"}]
    assert count(messages, tokenizer) == (3 + 3 + 4 + 2 + 3 + 9 + 1, 1)
    assert rows == 7


def test_the_loop_finds_what_the_notebook_finds():
    rows = [
        [],
        {},
        {"messages": [{"role": "user", "text": "x"}, {"role": "robot", "content": ""}]},
    ]
    assert {key: n for key, n in format_errors(rows).items() if n} == {
        "data_type": 1,
        "missing_messages_list": 1,
        "missing_key": 1,
        "unrecognized_key": 1,
        "unrecognized_role": 1,
        "missing_content": 2,
        "no_assistant": 1,
    }


def test_targets_are_judged_by_the_median_of_rounds():
    runs = {
        "profile": [Measured(10, 10, 500), Measured(12, 12, 600)],
        "tokenizer": [Measured(11, 10, 70), Measured(11, 10, 70)],
        "loop": [Measured(40, 39, 70), Measured(36, 35, 70)],
        "check": [Measured(1, 1, 70), Measured(1, 1, 70)],
    }
    result = summary("gsm8k", 100, 30.0, runs)
    assert {each["name"]: (round(each["value"], 2), each["met"]) for each in result["targets"]} == {
        "profile, whole process / time in encode_batch": (1.1, True),
        "loop / profile, whole processes": (3.5, True),
        "profile, MiB": (600, True),
        "check, MB/s": (30, False),
    }
    assert not result["met"]
    assert "missed" in as_text("gsm8k", result)
