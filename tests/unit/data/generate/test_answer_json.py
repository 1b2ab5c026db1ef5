import pytest

from tunery.data.generate.answer_json import find_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (' [{"a": 1}] ', [{"a": 1}]),
        ('Sure!\n```json\n{"a": 1}\n```\nBye {b}', {"a": 1}),
        ('<think>{"no": 1}</think>\n{"a": 1}', {"a": 1}),
        ('The set {x} and [] hold, so {"a": 1} is it', {"a": 1}),
        ('Rows: [{"a": 1}, {"a": 2}] as asked', [{"a": 1}, {"a": 2}]),
        ("```\nno\n```", None),
        ("3", None),
        ('"text"', None),
        ('{"a": NaN}', None),
        ('{"a": ', None),
        ("[" * 100_000, None),
        ("{" * 100_000 + '{"a": 1}', None),
        (" " * 1_000_000 + '{"a": 1}', None),
    ],
)
def test_first_json(text, value):
    assert find_json(text) == (value is not None, value)
