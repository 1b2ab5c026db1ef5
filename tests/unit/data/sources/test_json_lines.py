import pytest

from tunery.data.sources.jsonl import read_lines
from tunery.data.sources.row import SourceRow


def read(text: str) -> list[SourceRow]:
    lines = text.encode("utf-8", "surrogateescape").removesuffix(b"\n").split(b"\n")
    return list(read_lines(enumerate(lines, start=1), "rows.jsonl"))


def told(row: SourceRow) -> tuple[str, str, str]:
    assert row.problem is not None
    return row.problem.code, row.problem.message, row.problem.hint


def test_blank_lines_are_not_rows_but_are_counted_as_lines() -> None:
    rows = read('\n{"a": 1}\r\n \t\r\n{"a": 2}\n\n')
    assert [(row.place.line, row.value) for row in rows] == [(2, {"a": 1}), (4, {"a": 2})]


def test_a_mark_between_joined_files_is_no_text() -> None:
    rows = read('{"a": 1}\n\ufeff{"a": 2}\n')
    assert [row.value for row in rows] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("[1]", "a list"),
        ('"text"', "a text"),
        ("null", "null"),
        ("3", "the number 3"),
        ("true", "true"),
    ],
)
def test_lists_rows_that_are_not_objects(line: str, shown: str) -> None:
    code, message, _ = told(read(line)[0])
    assert code == "json.not_object"
    assert message == f"the row is {shown}; expected a JSON object"


def test_gives_the_column_of_bad_json() -> None:
    code, message, _ = told(read('{"a": 1, b: 2}')[0])
    assert code == "json.invalid"
    assert message.endswith("at column 10")


def test_the_rest_of_a_torn_row_is_told_to_be_one() -> None:
    rows = read('{"a": "one\ntwo\nthree"}\n{"a": 1}\nbad\n')
    assert [row.place.line for row in rows] == [1, 2, 3, 4, 5]
    assert "ends inside a text" in told(rows[0])[2]
    assert "starts on line 1" in told(rows[1])[2]
    assert "starts on line 1" in told(rows[2])[2]
    assert rows[3].value == {"a": 1}
    assert "starts on line" not in told(rows[4])[2]


def test_lists_a_key_that_occurs_twice() -> None:
    code, message, _ = told(read('{"m": [{"role": "user", "role": "assistant"}]}')[0])
    assert (code, '"role"' in message) == ("json.duplicate_key", True)


@pytest.mark.parametrize(
    ("line", "shown"), [("[" * 100_000, "deeply nested"), ("9" * 5_000, "too long")]
)
def test_lists_json_that_the_parser_refuses_for_its_size(line: str, shown: str) -> None:
    code, message, _ = told(read(line)[0])
    assert code == "json.invalid"
    assert shown in message
