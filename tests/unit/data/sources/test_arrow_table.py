import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tunery.data.sources.arrow_table import (
    ARROW_FILE,
    ARROW_STREAM,
    PARQUET,
    ArrowTable,
    label_names,
    open_arrow,
)
from tunery.data.sources.arrow_values import NoJsonError, plain
from tunery.data.sources.limits import Damaged, Limits
from tunery.data.sources.row import SourceRow
from tunery.errors import DataError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

KINDS = [PARQUET, ARROW_FILE, ARROW_STREAM]


def written(table: Any, kind: str) -> bytes:
    out = io.BytesIO()
    if kind == PARQUET:
        pq.write_table(table, out)
    else:
        new = pa.ipc.new_file if kind == ARROW_FILE else pa.ipc.new_stream
        with new(out, table.schema) as writer:
            writer.write_table(table)
    return out.getvalue()


def opened(data: bytes, kind: str, **limits: int) -> ArrowTable:
    return open_arrow(io.BytesIO(data), kind, "rows.x", len(data), Limits(**limits))


def rows(table: Any, kind: str = PARQUET) -> list[SourceRow]:
    return list(opened(written(table, kind), kind).rows)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_objects_with_their_numbers(kind: str) -> None:
    table = pa.table({"prompt": [f"q{n}" for n in range(1500)], "n": list(range(1500))})
    found = opened(written(table, kind), kind)
    assert found.header == ("prompt", "n")
    assert "a line number counts rows" in found.note
    told = [(row.place.line, row.value) for row in found.rows]
    assert told == [(n + 1, {"prompt": f"q{n}", "n": n}) for n in range(1500)]


def test_keys_that_a_row_did_not_have_are_not_made_up() -> None:
    turns = [
        {"role": "user", "content": "a", "tool_calls": None},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": None}]},
    ]
    (first, second) = rows(pa.table({"messages": [turns, turns[:1]], "tools": [None, "[]"]}))
    assert first.value == {
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "tool_calls": [{"id": "1"}]},
        ]
    }
    assert second.value == {"messages": [{"role": "user", "content": "a"}], "tools": "[]"}


def test_values_become_those_of_json() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    given = {
        "date": (date(2026, 1, 2), "2026-01-02"),
        "moment": (moment, "2026-01-02T03:04:05+00:00"),
        "time": (time(1, 2, 3), "01:02:03"),
        "span": (timedelta(seconds=90), 90.0),
        "price": (Decimal("1.50"), "1.50"),
        "list": ([None, 1.5, True], [None, 1.5, True]),
        "map": ([("k", 1)], {"k": 1}),
        "empty": ([], []),
    }
    assert {key: plain(value) for key, (value, _) in given.items()} == {
        key: value for key, (_, value) in given.items()
    }
    columns = {key: [value] for key, (value, _) in given.items() if key not in ("list", "map")}
    (row,) = rows(pa.table(columns))
    assert row.value is not None
    assert row.value["moment"] == "2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize(
    ("value", "told"), [(b"abc", "3 bytes"), (float("nan"), "nan"), (object(), "type object")]
)
def test_other_values_are_refused(value: object, told: str) -> None:
    with pytest.raises(NoJsonError, match=told):
        plain({"a": [value]})


def test_a_bad_value_is_listed_and_the_other_rows_are_used() -> None:
    found = rows(pa.table({"a": [b"x", None], "b": ["c", "d"]}))
    assert found[0].problem is not None
    assert found[0].problem.code == "table.bad_value"
    assert 'column "a" holds 1 bytes' in found[0].problem.message
    assert found[1].value == {"b": "d"}


def test_a_value_that_python_cannot_hold_spoils_one_row() -> None:
    far = pa.array([0, 10**18], pa.timestamp("us"))
    good, bad = rows(pa.table({"when": far}))
    assert good.value == {"when": "1970-01-01T00:00:00"}
    assert bad.problem is not None
    assert "cannot be read" in bad.problem.message


def test_text_that_is_not_utf8_ends_in_a_finding() -> None:
    text = pa.array([b"ok", b"\xff"], pa.binary()).view(pa.string())
    for kind in KINDS:
        found: list[SourceRow] = []
        try:
            found += opened(written(pa.table({"a": text}), kind), kind).rows
        except Damaged as damage:
            codes = [damage.code]
        else:
            codes = [row.problem.code for row in found if row.problem]
        assert len(codes) == 1


def test_numbers_of_labels_get_their_names() -> None:
    about = b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": ["no", "yes"]}}}}'
    table = pa.table({"text": ["a", "b", "c"], "label": [1, 0, 7]})
    table = table.replace_schema_metadata({b"huggingface": about})
    found = opened(written(table, PARQUET), PARQUET)
    assert [row.value["label"] for row in found.rows if row.value] == ["yes", "no", 7]
    assert '"label" by the names' in found.note


@pytest.mark.parametrize("about", [b"", b"[]", b"{}", b'{"info": {"features": {"a": 3}}}', b"\xff"])
def test_metadata_of_other_shapes_say_nothing(about: bytes) -> None:
    assert label_names({b"huggingface": about}, ("a",)) == {}
    assert label_names({}, ("a",)) == {}


def test_refuses_a_column_twice() -> None:
    table = pa.table([["a"], ["b"]], names=["x", "x"])
    with pytest.raises(DataError, match="more than once"):
        opened(written(table, ARROW_FILE), ARROW_FILE)


@pytest.mark.parametrize("kind", KINDS)
def test_refuses_what_only_begins_like_a_table(kind: str) -> None:
    with pytest.raises(DataError, match="cannot be read as"):
        opened(b"PAR1 and no more", kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_break_is_told_with_its_row(kind: str) -> None:
    table = pa.table({"a": [f"text {n} {n * n}" for n in range(200_000)]})
    data = bytearray(written(table, kind))
    data[len(data) // 2 : len(data) // 2 + 20_000] = b"\xff" * 20_000
    found: list[SourceRow] = []
    with pytest.raises(Damaged) as caught:  # noqa: PT012 - the rows before the damage count
        for row in opened(bytes(data), kind).rows:
            found.append(row)
    assert caught.value.line == len(found) + 1
    assert caught.value.code == "file.broken_table"


def test_stops_a_bomb() -> None:
    data = written(pa.table({"a": ["x" * 1000] * 100_000}), PARQUET)
    with pytest.raises(Damaged) as caught:
        list(opened(data, PARQUET, unpacked_bytes=1_000_000).rows)
    assert caught.value.code == "file.unpacks_too_large"
