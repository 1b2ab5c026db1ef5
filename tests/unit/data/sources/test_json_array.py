import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.sources.json_array import list_start, read_array
from tunery.data.sources.limits import BLOCK_BYTES, Damaged
from tunery.data.sources.row import SourceRow


def read(text: str | bytes, **options: Any) -> tuple[list[SourceRow], Damaged | None]:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    found = list_start(data.decode("utf-8", "surrogateescape"), ["messages"])
    assert found is not None
    rows = []
    try:
        for row in read_array(io.BytesIO(data), found[0], "rows.json", key=found[1], **options):
            rows.append(row)
    except Damaged as damage:
        return rows, damage
    return rows, None


def outcomes(rows: list[SourceRow]) -> list[Any]:
    return [row.value if row.problem is None else row.problem.code for row in rows]


@pytest.mark.parametrize("indent", [None, 1])
def test_items_are_rows_with_their_numbers(indent: int | None) -> None:
    rows, damage = read("\n " + json.dumps([{"a": 1}, {"b": [{"c": "],["}]}], indent=indent) + "\n")
    assert damage is None
    assert [(row.place.line, row.value) for row in rows] == [
        (1, {"a": 1}),
        (2, {"b": [{"c": "],["}]}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"data": [{"a": 1}]}',
        '{"version": "1", "about": {"data": [2]}, "rows": [{"a": 1}], "more": 3}',
        '{\n "examples":\n [\n {"a": 1}\n ]\n}\n',
    ],
)
def test_a_list_may_stand_under_a_key(text: str) -> None:
    rows, damage = read(text)
    assert (outcomes(rows), damage) == ([{"a": 1}], None)


@pytest.mark.parametrize(
    "text",
    [
        '[1, 2]\n{"a": 1}\n[3]\n',
        '[{"a": 1}]\n[{"b": 1}]\n',
        '[broken\n{"a": 1}\n',
        '[1]\n["b"]\n',
        '{"a": 1}\n{"a": 2}\n',
        '{"messages": [], "data": [{"a": 1}]}',
        '{"data": [{"a": 1}]}\n{"data": [{"a": 2}]}\n',
        '{"data": [1, 2]}',
        '{"data": 3}',
        '{"a": nonsense, "data": [{}]}',
        '{"a": "' + "x" * 50,
        "",
        "nonsense",
        "[" * 10_000 + "\n",
    ],
)
def test_rows_on_lines_are_no_array(text: str) -> None:
    assert list_start(text, ["messages"]) is None


def test_an_empty_array_has_no_rows() -> None:
    assert read("[ ]") == ([], None)


def test_each_item_gets_the_finding_that_a_line_would_get() -> None:
    items = [
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        "3",
        '{"a": "\x00"}'.replace("\x00", "\\u0000"),
        '{"a": "\\ud83d"}',
    ]
    rows, damage = read('[{"a": 0},' + ",".join(items) + "]")
    assert damage is None
    assert outcomes(rows) == [
        {"a": 0},
        "json.duplicate_key",
        "json.not_finite",
        "json.not_finite",
        "json.invalid",
        "json.not_object",
        {"a": "\x00"},
        {"a": "\ud83d"},
    ]


def test_an_item_with_bytes_that_are_not_utf8_is_listed() -> None:
    rows, damage = read(b'[{"a": "gr\xe9"}, {"a": "\xc3\xa9"}]')
    assert (outcomes(rows), damage) == (["file.not_utf8", {"a": "é"}], None)


@pytest.mark.parametrize(
    ("text", "before", "told"),
    [
        ('[{"a": 1},\n {"a": 2', 1, "the array was not read beyond"),
        ('[{"a": 1},\n {"a" 2}, {"a": 3}]', 1, "(line 2, column 7)"),
        ('[{"a": 1},\n {"a": 2} {"a": 3}]', 2, '"{" stands where'),
        ('[{"a": 1}', 1, "the file ends where"),
        ('[{"a": 1}\n]\nmore', 1, "something follows the end"),
        ('[{"a": 1}, ]', 1, "not valid JSON"),
        ('[{"a": 1}, {"a": ' + "[" * 100_000, 1, "too deeply nested"),
        ("[", 0, "not valid JSON"),
    ],
)
def test_stops_where_items_cannot_be_told_apart(text: str, before: int, told: str) -> None:
    rows, damage = read(text)
    assert len(rows) == before
    assert damage is not None
    assert damage.code == "json.array_broken"
    assert told in damage.message
    assert (damage.line, bool(damage.hint)) == (before + 1, True)


def test_an_item_that_is_too_long_stops_the_reading() -> None:
    rows, damage = read('[{"a": 1}, {"a": "' + "x" * BLOCK_BYTES * 4, longest=BLOCK_BYTES)
    assert outcomes(rows) == [{"a": 1}]
    assert damage is not None
    assert "longer than 1 MiB" in damage.message


def test_items_cross_the_ends_of_blocks() -> None:
    items = [{"n": n, "text": "ü" * (n % 5000)} for n in range(3000)]
    text = json.dumps(items, ensure_ascii=False)
    assert len(text) > 3 * BLOCK_BYTES
    rows, damage = read(text)
    assert damage is None
    assert [row.value for row in rows] == items


class Trickle(io.RawIOBase):
    def __init__(self, data: bytes, step: int) -> None:
        self.data = io.BytesIO(data)
        self.step = step

    def read(self, size: int = -1) -> bytes:
        return self.data.read(self.step)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    items=st.lists(VALUES, max_size=5),
    indent=st.sampled_from([None, 2]),
    ascii=st.booleans(),
    step=st.integers(1, 30),
)
def test_however_the_bytes_come_the_items_are_those_of_json(
    items: list[object], indent: int | None, ascii: bool, step: int
) -> None:
    items = [{"first": 1}, *items]
    data = json.dumps(items, indent=indent, ensure_ascii=ascii).encode()
    rows = list(read_array(Trickle(data, step), 0, "rows.json"))  # type: ignore[arg-type]
    got = outcomes(rows)
    assert got == [item if isinstance(item, dict) else "json.not_object" for item in items]
