from pathlib import Path

import pytest

from tunery.data.detect import detect_format
from tunery.errors import DataError

CHAT = '{"messages": []}'
PAIR = '{"prompt": "a", "completion": "b"}'


@pytest.mark.parametrize(
    ("name", "lines", "format", "reason"),
    [
        ("a.csv", [CHAT], "csv", "ends in .csv"),
        ("a.TSV", [], "csv", "ends in .tsv"),
        ("a.jsonl", [CHAT], "chat", "1 of its first 1 rows have the key messages"),
        ("a.jsonl", ["", PAIR, "bad", PAIR, CHAT], "prompt_completion", "2 of its first 4 rows"),
        ("a", [PAIR], "prompt_completion", "key completion"),
        ("a.txt", ["\ufeff" + CHAT], "chat", "key messages"),
        ("a.json", ['{"message": []}'], "chat", "much like messages"),
        ("a.jsonl", ['{"prompt": "a", "completions": "b"}'], "prompt_completion", "much like"),
        ("a.jsonl", ["{'messages': []}", "[" * 100_000], "chat", "no object"),
        ("a.jsonl", [], "chat", "no object"),
    ],
)
def test_decides_by_ending_and_keys(name: str, lines: list[str], format: str, reason: str) -> None:
    detected = detect_format(Path(name), lines)
    assert detected.format == format
    assert reason in detected.reason


def test_refuses_rows_of_another_kind() -> None:
    row = '{"prompt": "a", "chosen": "b", "rejected": "c"}'
    with pytest.raises(
        DataError, match='have the keys "prompt", "chosen", "rejected"; expected "messages"'
    ):
        detect_format(Path("a.jsonl"), [row])


def test_refuses_rows_without_keys() -> None:
    with pytest.raises(DataError, match="have no keys"):
        detect_format(Path("a.jsonl"), ["{}"])


def test_refuses_a_file_that_gives_no_sign() -> None:
    with pytest.raises(DataError, match="cannot be told") as caught:
        detect_format(Path("a.txt"), ["prompt,completion"])
    assert "data.format" in caught.value.hint


def test_looks_only_at_the_first_rows() -> None:
    lines = iter([CHAT] * 50 + [PAIR] * 50)
    assert "50 of its first 50" in detect_format(Path("a.jsonl"), lines).reason
    assert len(list(lines)) == 50
