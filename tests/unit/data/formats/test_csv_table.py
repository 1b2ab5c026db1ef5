import csv
from typing import Any

import pytest

from tunery.data.conversation import Message
from tunery.data.formats.csv_table import MAX_CELL_CHARACTERS, Table, open_table
from tunery.data.formats.row import Row
from tunery.errors import DataError


def table(text: str, **columns: Any) -> Table:
    return open_table(text.splitlines(keepends=True), "pairs.csv", **columns)


def rows(text: str, **columns: Any) -> list[Row]:
    return list(table(text, **columns).rows)


def test_reads_the_mapped_columns() -> None:
    text = "id,question,answer,role\n1,Why?,Because.,Be kind.\n2,,Free text,\n"
    found = table(text, prompt="question", completion="answer", system="role")
    first, second = found.rows
    assert first.messages == (
        Message("system", "Be kind."),
        Message("user", "Why?"),
        Message("assistant", "Because."),
    )
    assert second.messages == (Message("assistant", "Free text"),)
    assert first.findings == second.findings == ()
    assert found.note == 'columns "question", "answer", "role", separated by comma; not used: "id"'


def test_default_columns_include_a_system_column_only_when_it_is_there() -> None:
    (with_system,) = rows("prompt,completion,system\na,b,c\n")
    (without,) = rows("prompt,completion\na,b\n")
    (mapped,) = rows("prompt,completion,system\na,b,c\n", prompt="prompt", completion="completion")
    assert [m.role for m in with_system.messages] == ["system", "user", "assistant"]
    assert [m.role for m in without.messages] == ["user", "assistant"]
    assert [m.role for m in mapped.messages] == ["user", "assistant"]


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "bar")])
def test_finds_the_separator_in_the_header(mark: str, name: str) -> None:
    found = table(f"prompt{mark}completion\nOne, two{mark}three\n")
    assert name in found.note
    assert next(found.rows).messages[0].content == "One, two"


def test_a_row_stands_on_the_line_where_it_starts() -> None:
    text = '\nprompt,completion\na,b\n\n"two\nlines","and\nmore"\n"c ""quoted""",d\n'
    found = rows(text)
    assert [row.line for row in found] == [3, 5, 8]
    assert found[1].messages[1].content == "and\nmore"
    assert found[2].messages[0].content == 'c "quoted"'


@pytest.mark.parametrize(("line", "cells"), [("a,b,c", 3), ("a", 1), ("a,b,", 3)])
def test_lists_ragged_rows(line: str, cells: int) -> None:
    (row, after) = rows(f"prompt,completion\n{line}\nc,d\n")
    assert [finding.code for finding in row.findings] == ["csv.ragged_row"]
    assert f"{cells} cells; expected 2" in row.findings[0].message
    assert after.findings == ()


@pytest.mark.parametrize("cell", ["", "  ", '""'])
def test_lists_an_empty_completion(cell: str) -> None:
    (row,) = rows(f"prompt,answer\na,{cell}\n", prompt="prompt", completion="answer")
    assert [finding.code for finding in row.findings] == ["pair.empty_completion"]
    assert 'column "answer"' in row.findings[0].message


def test_goes_on_after_bad_quotes() -> None:
    bad, after = rows('prompt,completion\n"He said "hi"",b\nc,d\n')
    assert (bad.line, [f.code for f in bad.findings]) == (2, ["csv.bad_quotes"])
    assert (after.line, after.findings) == (3, ())


def test_a_quote_that_is_never_closed_tells_which_lines_it_took() -> None:
    first, rest = rows('prompt,completion\na,b\n"open,c\nd,e\nf,g\n')
    assert first.findings == ()
    assert rest.line == 3
    assert "lines 3 to 5 were taken as one row" in rest.findings[0].message


def test_long_cells_are_read_and_endless_ones_listed() -> None:
    limit = csv.field_size_limit()
    long = "a" * (limit + 1)
    endless = "b" * (MAX_CELL_CHARACTERS + 1)
    first, second, third = rows(f"prompt,completion\n{long},b\n{endless},b\nc,d\n")
    assert first.messages[0].content == long
    assert [finding.code for finding in second.findings] == ["csv.bad_quotes"]
    assert "a cell is longer than" in second.findings[0].message
    assert third.findings == ()
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "columns", "told", "hint"),
    [
        ("prompts,completion\na,b\n", {}, 'no column "prompt";', 'Did you mean "prompts"?'),
        ("q,a\n1,2\n", {}, '"prompt" and has no column "completion"', "data.columns"),
        (
            "question,answer\n1,2\n",
            {"prompt": "Question", "completion": "answer"},
            'its columns are "question", "answer"',
            '"question"?',
        ),
        (
            "prompt,completion\n1,2\n",
            {"prompt": "prompt", "completion": "completion", "system": "system"},
            'no column "system"',
            "data.columns",
        ),
        ("prompt,completion,prompt\n1,2,3\n", {}, "more than once", "Rename all but one"),
        ('prompt,"comple"tion\n1,2\n', {}, "not valid CSV", "Repair"),
        ("a" * 200_000, {}, "not valid CSV", "Repair"),
        ("", {}, "holds no rows", "Put rows"),
        ("\n \n", {}, "holds no rows", "Put rows"),
    ],
)
def test_refuses_a_header_without_the_columns(
    text: str, columns: dict[str, str], told: str, hint: str
) -> None:
    with pytest.raises(DataError) as caught:
        table(text, **columns)
    assert told in caught.value.message
    assert hint in caught.value.hint


def test_lists_a_cell_that_is_not_utf8() -> None:
    (row,) = rows("prompt,completion\ngr\udce9,b\n")
    assert [finding.code for finding in row.findings] == ["file.not_utf8"]
    assert 'byte 0xE9 after "gr"' in row.findings[0].message
