import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.data.sources.jsonl import read_lines
from tunery.data.sources.quick_json import quick_object

TEXT = st.text(max_size=6) | st.sampled_from(['":', '\\":', '"', "\\", " :", '\\\\":', "a"])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def thorough(line: bytes) -> Any:
    (row,) = read_lines([(1, line)], "a.jsonl")
    return row.value


@settings(deadline=None)
@given(value=st.dictionaries(TEXT, VALUE, max_size=4), ascii=st.booleans())
def test_what_it_takes_is_what_the_thorough_way_takes(value: dict[str, Any], ascii: bool) -> None:
    line = json.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    quick = quick_object(line)
    assert quick is None or quick == thorough(line) == value


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(['"a"', '"\\u0061"', '"a\\\\"', '"b"', '"":']), min_size=1, max_size=4
    ),
    st.lists(st.sampled_from([":", " :", ": ", "\t:"]), min_size=4, max_size=4),
    st.lists(st.sampled_from(["1", '"x\\":"', '"\\\\"', '{"a":1}', '[{"b":2}]']), min_size=4),
)
def test_a_key_that_occurs_twice_never_goes_the_short_way(
    keys: list[str], colons: list[str], values: list[str]
) -> None:
    pairs = [k + c + v for k, c, v in zip(keys, colons, values, strict=False)]
    line = ("{" + ",".join(pairs) + "}").encode()
    quick = quick_object(line)
    assert quick is None or quick == thorough(line)


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1,"a":2}',
        b'{"a" :1,"b":2,"b":3}',
        b'{"k\\\\":1,"b":2,"b":3}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":"\\ud83d"}',
        b'{"a":"\xff"}',
        b"[1]",
        b"",
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_leaves_what_is_in_doubt(line: bytes) -> None:
    assert quick_object(line) is None


def test_takes_usual_rows_and_keeps_long_numbers() -> None:
    line = (
        b'{"messages": [{"role": "user", "content": "say \\"x\\": 1"}], "n": 123456789012345678901}'
    )
    assert quick_object(line) == json.loads(line)
