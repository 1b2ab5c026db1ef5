from pathlib import Path

from tunery.data.findings import Place
from tunery.data.formats.reinforcement import read_row
from tunery.data.sources.limits import Limits
from tunery.data.sources.opening import open_rows


def test_a_line_that_is_too_long_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": "' + b"x" * 5000 + b'"}\n{"a": 2}\n')
    with open_rows(path, limits=Limits(line_bytes=1000)) as opened:
        first, long, last = opened.rows
    assert (first.value, last.value) == ({"a": 1}, {"a": 2})
    assert long.problem is not None
    assert (long.place.line, long.problem.code) == (2, "file.line_too_long")


def test_a_number_that_json_does_not_have_cannot_be_graded_with() -> None:
    value = {"messages": [{"role": "user", "content": "a"}], "gold": float("nan")}
    (finding,) = read_row(value, Place("rows.parquet", 1)).findings
    assert finding.code == "reinforcement.item_not_json"
