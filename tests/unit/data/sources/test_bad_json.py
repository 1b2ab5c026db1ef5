import json

import pytest

from tunery.data.sources.bad_json import ONE_LINE_EACH, guess_cause


def guess(text: str) -> str:
    with pytest.raises(json.JSONDecodeError) as caught:
        json.loads(text)
    return guess_cause(text, caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'messages': []}", "Python dict"),
        ('{"messages": None}', "Python dict"),
        ('{"weight": True}', "Python dict"),
        ('{"a": 1}{"a": 2}', "Two rows"),
        ('{"a": 1} {"a": 2}', "Two rows"),
        ('{"a": 1},', "comma after the row"),
        ('{"a": 1} # note', "follows the row"),
        ('{"a": "He said "hello" to me"}', 'written as \\"'),
        ('{"a": "x" "b": "y"}', "a comma is missing"),
        ('{"a": "first half', "ends inside a text"),
        ('{"a": "one\ttwo"}', "\\t"),
        ('{"a": "C:\\data"}', "as two"),
        ('{"a": "\\u12"}', "as two"),
        ("{\u201ca\u201d: 1}", "curly quotes"),
        ('{"a": \u2018b\u2019}', "curly quotes"),
        ('{"a": 1,}', 'comma before the last "}"'),
        ('{"a": [1, ]}', 'comma before the last "]"'),
        ("{", "spread over several lines"),
        ("[", "spread over several lines"),
        ("},", "spread over several lines"),
        ('{"a": [1, 2', "ends too early"),
        ("hello", ONE_LINE_EACH),
    ],
)
def test_names_the_probable_cause(text: str, expected: str) -> None:
    assert expected in guess(text)
