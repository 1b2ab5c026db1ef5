import csv

import pytest

from tunery.data.sources.csv_table import MAX_CELL_CHARACTERS, Table, open_table
from tunery.data.sources.row import SourceRow
from tunery.errors import DataError

NAMES = {"prompt", "completion"}


def table(text: str) -> Table:
    return open_table(text.splitlines(keepends=True), "pairs.csv", NAMES)


def rows(text: str) -> list[SourceRow]:
    return list(table(text).rows)


def problems(row: SourceRow) -> list[str]:
    return [row.problem.code] if row.problem else []


def test_a_row_is_an_object_of_texts() -> None:
    found = table("id,question,answer\n1,Why?,Because.\n2,,Free text\n")
    assert [row.value for row in found.rows] == [
        {"id": "1", "question": "Why?", "answer": "Because."},
        {"id": "2", "question": "", "answer": "Free text"},
    ]
    assert found.header == ("id", "question", "answer")
    assert found.note == 'columns "id", "question", "answer", separated by comma'


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_finds_the_separator_in_the_header(mark: str, name: str) -> None:
    found = table(f"prompt{mark}completion\nOne, two{mark}three\n")
    assert name in found.note
    assert next(found.rows).value == {"prompt": "One, two", "completion": "three"}


def test_a_row_stands_on_the_line_where_it_starts() -> None:
    text = '\nprompt,completion\na,b\n\n"two\nlines","and\nmore"\n"c ""quoted""",d\n'
    found = rows(text)
    assert [row.place.line for row in found] == [3, 5, 8]
    assert found[1].value == {"prompt": "two\nlines", "completion": "and\nmore"}
    assert found[2].value == {"prompt": 'c "quoted"', "completion": "d"}


@pytest.mark.parametrize(("line", "cells"), [("a,b,c", 3), ("a", 1), ("a,b,", 3)])
def test_lists_ragged_rows(line: str, cells: int) -> None:
    (row, after) = rows(f"prompt,completion\n{line}\nc,d\n")
    assert problems(row) == ["csv.ragged_row"]
    assert row.problem is not None
    assert f"{cells} cells; expected 2" in row.problem.message
    assert after.problem is None


def test_goes_on_after_bad_quotes() -> None:
    bad, after = rows('prompt,completion\n"He said "hi"",b\nc,d\n')
    assert (bad.place.line, problems(bad)) == (2, ["csv.bad_quotes"])
    assert (after.place.line, problems(after)) == (3, [])


def test_a_quote_that_is_never_closed_tells_which_lines_it_took() -> None:
    first, rest = rows('prompt,completion\na,b\n"open,c\nd,e\nf,g\n')
    assert first.problem is None
    assert rest.place.line == 3
    assert rest.problem is not None
    assert "lines 3 to 5 were taken as one row" in rest.problem.message


def test_long_cells_are_read_and_endless_ones_listed() -> None:
    limit = csv.field_size_limit()
    long = "a" * (limit + 1)
    endless = "b" * (MAX_CELL_CHARACTERS + 1)
    first, second, third = rows(f"prompt,completion\n{long},b\n{endless},b\nc,d\n")
    assert first.value == {"prompt": long, "completion": "b"}
    assert problems(second) == ["csv.bad_quotes"]
    assert second.problem is not None
    assert "a cell is longer than" in second.problem.message
    assert third.problem is None
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("prompt,completion,prompt\n1,2,3\n", "more than once", "Rename all but one"),
        ('prompt,"comple"tion\n1,2\n', "not valid CSV", "Repair"),
        ("a" * 200_000, "not valid CSV", "Repair"),
        ("", "holds no rows", "Put rows"),
        ("\n \n", "holds no rows", "Put rows"),
    ],
)
def test_refuses_a_header_that_cannot_be_read(text: str, told: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        table(text)
    assert told in caught.value.message
    assert hint in caught.value.hint


def test_lists_a_cell_that_is_not_utf8() -> None:
    (row,) = rows("prompt,completion\ngr\udce9,b\n")
    assert problems(row) == ["file.not_utf8"]
    assert row.problem is not None
    assert 'byte 0xE9 after "gr"' in row.problem.message
