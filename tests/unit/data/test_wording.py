import pytest

from tunery.data.wording import kind_of, listed, nearest, quote


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", '"plain"'),
        ("naïve 😀", '"naïve 😀"'),
        ('a "b"\n', '"a \\"b\\"\\n"'),
        ("\x1b[31mred\x9b", '"\\u001b[31mred\\x9b"'),
        ("\u202eevil", '"\\u202eevil"'),
        ("\udce9", '"\\udce9"'),
        ("x" * 61, '"' + "x" * 59 + '…"'),
    ],
)
def test_quoted_text_is_safe_to_print(text: str, shown: str) -> None:
    assert quote(text) == shown
    quote(text).encode()


def test_lists_names() -> None:
    assert listed(["a", "b"]) == '"a", "b"'
    assert listed("abcdefghijklmn").endswith('"l", and 2 more')


@pytest.mark.parametrize(
    ("given", "known", "expected"),
    [
        ("assistants", ["user", "assistant"], "assistant"),
        (" Prompt ", ["prompt"], "prompt"),
        ("prompt", ["PROMPT", "id"], "PROMPT"),
        ("bing", ["user", "assistant"], None),
        ("a", [], None),
    ],
)
def test_nearest_name(given: str, known: list[str], expected: str | None) -> None:
    assert nearest(given, known) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (False, "false"),
        (42, "the number 42"),
        (0.5, "the number 0.5"),
        ("a", "a text"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_kind_of_value(value: object, words: str) -> None:
    assert kind_of(value) == words
