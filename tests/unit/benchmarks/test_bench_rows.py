import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.train_vs_peers.rows import prepare_rows

from tunery.errors import DataError, NotFoundError


def chat(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def data_file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def prepared(data: Path, rows: int) -> tuple[list[dict[str, Any]], int]:
    target = data.with_name("prepared.jsonl")
    result = prepare_rows(data, "file", rows, target)
    written = [json.loads(line) for line in target.read_text().splitlines()]
    assert len(written) == result.count >= rows
    return written, result.left_out


def test_all_rows_in_their_order(tmp_path: Path) -> None:
    rows = [chat(("user", f"question {n}"), ("assistant", f"answer {n}")) for n in range(5)]
    written, left_out = prepared(data_file(tmp_path, *rows), 3)
    assert [row["messages"][0]["content"] for row in written] == [f"question {n}" for n in range(5)]
    assert left_out == 0


def test_a_row_ends_with_the_one_turn_that_both_sides_learn(tmp_path: Path) -> None:
    row = chat(
        ("system", "s"), ("user", "u"), ("assistant", "a"), ("user", "v"), ("assistant", "ä")
    )
    row["messages"].append({"role": "user", "content": "unanswered"})
    (written,), _ = prepared(data_file(tmp_path, row), 1)
    assert written["messages"] == [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u"},
        {"role": "assistant", "content": "a", "weight": 0},
        {"role": "user", "content": "v"},
        {"role": "assistant", "content": "ä", "weight": 1},
    ]


def test_prompt_and_completion_become_turns(tmp_path: Path) -> None:
    (written,), _ = prepared(data_file(tmp_path, {"prompt": "p", "completion": "c"}), 1)
    assert written["messages"] == [
        {"role": "user", "content": "p"},
        {"role": "assistant", "content": "c", "weight": 1},
    ]


def test_rows_that_cannot_be_used_are_passed_over_and_counted(tmp_path: Path) -> None:
    good = chat(("user", "u"), ("assistant", "a"))
    data = data_file(tmp_path, chat(("user", "no answer")), good, {"messages": []}, good)
    written, left_out = prepared(data, 2)
    assert len(written) == 2
    assert left_out == 2


def test_fewer_rows_than_asked(tmp_path: Path) -> None:
    data = data_file(tmp_path, chat(("user", "u"), ("assistant", "a")), chat(("user", "alone")))
    with pytest.raises(DataError, match=r"has 1 usable rows of 2, expected at least 9.*--rows"):
        prepare_rows(data, "file", 9, tmp_path / "prepared.jsonl")


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"absent\.jsonl"):
        prepare_rows(tmp_path / "absent.jsonl", "file", 1, tmp_path / "prepared.jsonl")
