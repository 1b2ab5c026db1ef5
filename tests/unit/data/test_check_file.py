"""A file read by several processes gives what one process gives."""

import json
import random
from pathlib import Path

import pytest

from tunery.data import check as checking
from tunery.data.check import check_file
from tunery.data.file import understand
from tunery.data.read import read_records
from tunery.data.sources.parts import cut
from tunery.errors import DataError


def line(number: int) -> bytes:
    turns = [
        {"role": "user", "content": f"q {number}"},
        {"role": "assistant", "content": "a " * (number % 7 + 1)},
    ]
    return json.dumps({"messages": turns}).encode()


FAULTS = [
    b"{",
    b'{"messages": [], "messages": []}',
    b"",
    b'{"messages": [{"role": "user", "content": "cut',
    b'off"}]}',
    b"[1]",
    b"\xff",
    line(3),
    b'{"messages": [{"role": "user", "content": "a"}], "note": 1}',
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    draw = random.Random(3)
    lines = [line(n) if draw.random() < 0.7 else draw.choice(FAULTS) for n in range(2000)]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


@pytest.mark.parametrize("part_bytes", [1, 700, 10_000, 10**9])
def test_parts_together_are_the_file(file: Path, part_bytes: int) -> None:
    parts = cut(file, part_bytes)
    data = file.read_bytes()
    assert b"".join(data[part.start : part.end] for part in parts) == data
    assert [part.first_line for part in parts] == [
        1 + data[: part.start].count(b"\n") for part in parts
    ]
    assert len(parts) > 1 or part_bytes > len(data)


def test_parts_find_what_the_whole_finds(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_records(file)
    understood = understand(file)
    assert understood.in_parts
    alone = check_file(understood, processes=1)
    monkeypatch.setattr(checking, "PARALLEL_BYTES", 0)
    monkeypatch.setattr(checking, "PART_BYTES", 5000)
    seen: list[int] = []
    together = check_file(understood, processes=2, on_bytes=seen.append)
    assert together.findings == alone.findings
    advice = {"row.near_duplicate", "data.too_few_rows", "language.mix"}
    assert [f for f in alone.findings if f.code not in advice] == list(whole.findings)
    assert together.total == alone.total == whole.total
    assert together.used == alone.used == len(whole.rows)
    assert len(seen) > 1
    assert sum(seen) == file.stat().st_size
    assert together.verdict == "errors"


def test_a_sample_looks_at_so_many_rows_and_counts_all(file: Path) -> None:
    understood = understand(file)
    whole = check_file(understood)
    found = check_file(understood, sample=100, seed=1)
    assert (found.total, found.looked_at) == (whole.total, 100)
    assert found == check_file(understood, sample=100, seed=1)
    assert found != check_file(understood, sample=100, seed=2)
    assert check_file(understood, sample=10**6).findings == whole.findings


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(b"\n\n")
    with pytest.raises(DataError, match="holds no rows"):
        check_file(understand(path))


MANY = [line(number) for number in range(0, 700, 7)]


@pytest.mark.parametrize(
    ("content", "verdict"),
    [(b"\n".join(MANY), "ok"), (line(1) + b"\n" + line(1), "warnings"), (b"{", "errors")],
)
def test_the_verdict_is_the_worst(tmp_path: Path, content: bytes, verdict: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    assert check_file(understand(path), near=False).verdict == verdict
