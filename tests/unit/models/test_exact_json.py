import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.models.exact_json import read, write

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abé<", max_size=4), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_a_value_is_the_same_after_writing_and_reading(value):
    again = read(write(value))
    assert (again, repr(again)) == (value, repr(value))  # 1 == 1.0, but not as text


@pytest.mark.parametrize(
    "text",
    [
        '{"b": 1, "a": 1.0, "é": "ü", "n": 123456789012345678901234567890}',
        '[0.1, -0.0, 1.5, true, null, "\\n", "</tool_call>"]',
    ],
)
def test_a_text_is_written_as_it_was(text):
    assert write(read(text)) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not JSON .*character 2"),
        ("NaN", "NaN is no JSON value"),
        ('{"a": -Infinity}', "-Infinity is no JSON value"),
        ("3.14159265358979323846", "more digits"),
        ("1e400", "larger exponent"),
        ("1e-99999999999999999999", "larger exponent"),
        ('{"a": 1, "a": 2}', "a key occurs twice"),
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('"\\ud800"', "half a character"),
        ("9" * 5000, "."),
    ],
)
def test_what_would_change_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        read(text)


def test_every_json_that_python_writes_plainly_is_read():
    value = {"a": [1, 2.5, {"b": None}]}
    assert read(json.dumps(value, indent=2)) == value
