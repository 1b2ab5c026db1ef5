import pytest

from tunery.data.detect import detect_format
from tunery.errors import DataError

CHAT = {"messages": []}
PAIR = {"prompt": "a", "completion": "b"}


@pytest.mark.parametrize(
    ("rows", "format", "reason"),
    [
        ([CHAT], "chat", '1 of its first 1 rows have "messages"'),
        ([PAIR, {"id": 1}, PAIR, CHAT], "prompt_completion", "2 of its first 4 rows"),
        ([{"message": []}], "chat", 'much like "messages"'),
        ([{"prompt": "a", "completions": "b"}], "prompt_completion", "much like"),
        ([], "chat", "no object"),
    ],
)
def test_decides_by_keys(rows: list[dict[str, object]], format: str, reason: str) -> None:
    detected = detect_format(rows, "a.jsonl")
    assert detected.format == format
    assert reason in detected.reason


def test_refuses_rows_of_no_format() -> None:
    with pytest.raises(DataError, match='have the keys "colour", "size"; expected those') as caught:
        detect_format([{"colour": "red", "size": 3}], "a.jsonl")
    assert "data.columns" in caught.value.hint


def test_refuses_rows_without_keys() -> None:
    with pytest.raises(DataError, match="have no keys"):
        detect_format([{}], "a.jsonl")
