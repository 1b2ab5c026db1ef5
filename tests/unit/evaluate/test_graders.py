import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.evaluate.graders.exact_match import is_exact
from tunery.evaluate.graders.grade import grade_answer
from tunery.evaluate.graders.json_fields import FieldGrades, grade_fields
from tunery.evaluate.graders.strict_json import MAX_DEPTH, parse_structure, same_value

REFERENCE = '{"intent": "refund", "urgent": true, "count": 2}'

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "answer",
    [
        REFERENCE,
        '{"count":2,"urgent":true,"intent":"refund"}',
        '\n {\n "intent": "refund",\n "urgent": true, "count": 2.0 }\n',
        '{"\\u0069ntent": "refund", "urgent": true, "count": 2}',
    ],
)
def test_json_is_equal_by_value(answer: str) -> None:
    assert is_exact(REFERENCE, answer)


@pytest.mark.parametrize(
    "answer",
    [
        '{"intent": "refund", "urgent": "true", "count": 2}',
        '{"intent": "refund", "urgent": 1, "count": 2}',
        '{"intent": "refund", "urgent": true, "count": "2"}',
        '{"intent": "refund", "urgent": true, "count": null}',
        '{"intent": "Refund", "urgent": true, "count": 2}',
        '{"intent": "refund", "urgent": true}',
        '{"intent": "refund", "urgent": true, "count": 2, "note": ""}',
        '{"intent": "refund", "intent": "refund", "urgent": true, "count": 2}',
        '{"intent": "refund", "urgent": true, "count": NaN}',
        f"```json\n{REFERENCE}\n```",
        f"Here it is: {REFERENCE}",
        f"{REFERENCE}.",
        REFERENCE[:-1],
        f"[{REFERENCE}]",
        "",
    ],
)
def test_json_that_differs_is_wrong(answer: str) -> None:
    assert not is_exact(REFERENCE, answer)


@pytest.mark.parametrize(
    ("reference", "answer", "exact"),
    [
        ("refund", "  refund\n", True),
        ("refund", "Refund", False),
        ("refund", '"refund"', False),
        ("42", "42.0", False),
        ("true", "true", True),
        ('{"x": NaN}', '{"x": NaN}', True),
        ('{"x": NaN}', '{"x":NaN}', False),
        ("[1, 2]", "[1,2]", True),
        ("[1, 2]", "[2, 1]", False),
        ("[1, 2]", "[1]", False),
    ],
)
def test_other_references_are_text_and_lists_are_ordered(
    reference: str, answer: str, exact: bool
) -> None:
    assert is_exact(reference, answer) is exact


@settings(deadline=None)
@given(JSON_VALUES, JSON_VALUES)
def test_same_value_agrees_with_canonical_text(one: object, other: object) -> None:
    def canonical(value: object) -> str:
        # 1.0 and 1 are one JSON number; text tells them apart, so whole floats become integers.
        return json.dumps(_whole(value), sort_keys=True)

    assert same_value(one, one)
    assert same_value(one, other) == (canonical(one) == canonical(other))


def _whole(value: object) -> object:
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize(
    "text",
    [
        "Infinity",
        '{"x": Infinity}',
        '{"x": -Infinity}',
        '{"x": 1e999}',
        '{"x": ' + "9" * 5000 + "}",
        '{"x": {"y": 1, "y": 2}}',
        "{'x': 1}",
        '{"x": 1,}',
        "3",
        '"x"',
        "null",
        "[" * 100_000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    ],
)
def test_what_is_no_strict_structure_parses_to_none(text: str) -> None:
    assert parse_structure(text) is None


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert json.dumps(parse_structure(text)) == text


def test_fields_are_graded_one_by_one_and_extra_keys_listed() -> None:
    answer = '{"count": "2", "note": 1, "intent": "refund", "mood": 2}'
    assert grade_fields(REFERENCE, answer) == FieldGrades(
        right={"intent": True, "urgent": False, "count": False}, extra=("note", "mood")
    )


def test_a_nested_value_is_one_field() -> None:
    reference = '{"order": {"id": 1, "items": [1, 2]}, "note": null}'
    swapped = grade_fields(reference, '{"order": {"items": [1, 2], "id": 1}}')
    assert swapped is not None
    assert swapped.right == {"order": True, "note": False}


@pytest.mark.parametrize("answer", ["", "sorry", f"```\n{REFERENCE}\n```", "[1]", "{}"])
def test_an_answer_without_the_object_has_all_fields_wrong(answer: str) -> None:
    grades = grade_fields(REFERENCE, answer)
    assert grades is not None
    assert list(grades.right.values()) == [False, False, False]


@pytest.mark.parametrize("reference", ["refund", "[1]", "3", '{"x": NaN}', '{"x": 1, "x": 1}'])
def test_references_that_are_no_objects_have_no_fields(reference: str) -> None:
    assert grade_fields(reference, "{}") is None


@pytest.mark.parametrize(
    ("reference", "answer", "parsable"),
    [
        (REFERENCE, "{}", True),
        (REFERENCE, "[]", True),
        (REFERENCE, f"```json\n{REFERENCE}\n```", False),
        ("[1]", "[2]", True),
        ("refund", "{}", None),
    ],
)
def test_parsable_is_measured_where_the_reference_is_json(
    reference: str, answer: str, parsable: bool | None
) -> None:
    assert grade_answer(reference, answer).parsable is parsable
