import pytest
from jinja2 import Environment

from tunery.models.template_source import asks_of_written_text
from tunery.models.watched_text import LooksInsideError, Watch, WatchedText, holds


@pytest.fixture
def watch():
    return Watch()


def render(source, watch):
    text = WatchedText("some text").watched_by(watch)
    return Environment().from_string(source).render(text=text)


@pytest.mark.parametrize(
    ("source", "test"),
    [
        ("{{ 'yes' if 'x' in text }}", ("has", "x")),
        ("{{ 'yes' if text.startswith('some') }}", ("starts", "some")),
        ("{{ 'yes' if text.endswith(('a', 'b')) }}", ("ends", "b")),
        ("{{ 'yes' if text == 'some text' }}", ("is", "some text")),
        ("{{ 'yes' if not text != 'y' }}", ("is", "y")),
    ],
)
def test_questions_are_noted_and_answered_with_no(source, test, watch):
    assert render(source, watch) == ""
    assert test in watch.tests


@pytest.mark.parametrize(
    ("source", "trims"),
    [
        ("{{ text | trim }}", {None}),
        ("{{ text.strip() }}", {None}),
        ("{{ text.lstrip('\n') + text.rstrip() }}", {None, "\n"}),
        ("{{ 'a' + text ~ 'b' }}", set()),
        ("{{ text if text is string and text is iterable and text }}", set()),
    ],
)
def test_writing_joining_and_trimming_go_on(source, trims, watch):
    assert "some text" in render(source, watch)
    assert (watch.trims, watch.tests) == (trims, set())


@pytest.mark.parametrize(
    "source",
    [
        "{{ text | length }}",
        "{{ text[0] }}",
        "{% for char in text %}{% endfor %}",
        "{{ text | upper }}",
        "{{ text.split('x')[0] }}",
        "{{ text.strip('x') }}",
        "{{ text.startswith('x', 1) }}",
        "{{ text.endswith('x', 1) }}",
        "{{ ('a' + text) | trim }}",
        "{{ 'x' in ('a' + text) }}",
        "{{ {'some text': 1}[text] }}",
        "{{ text < 'x' }}",
        "{{ text + 1 }}",
        "{{ text * 2 }}",
        "{{ text.startswith(text) }}",
    ],
)
def test_looking_inside_is_refused(source, watch):
    with pytest.raises(LooksInsideError):
        render(source, watch)


def test_a_text_is_no_other_thing(watch):
    text = WatchedText("t").watched_by(watch)
    assert (text == 1) is False
    assert next(iter([text])) is text


@pytest.mark.parametrize(
    ("test", "text", "expected"),
    [
        (("has", "b"), "abc", True),
        (("starts", "b"), "abc", False),
        (("ends", "c"), "abc", True),
        (("is", "abc"), "abc", True),
    ],
)
def test_a_test_is_asked_of_a_text(test, text, expected):
    assert holds(test, text) is expected


MACRO = "{% macro m(t) %}{{ t }}{% endmacro %}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ text }}", False),
        (MACRO + "{{ 'a' + m(text) ~ 'b' }}{{ m(text) if x else 'y' }}", False),
        (MACRO + "{% if 'x' in m(text) %}{% endif %}", True),
        (MACRO + "{{ m(text) | trim }}", True),
        (MACRO + "{{ 'a' if m(text) else 'b' }}", True),
        (MACRO + "{% set n = m %}{{ n(text) }}", True),
        (MACRO + "{% set n = m(text) %}", True),
        ("{% set x %}{{ text }}{% endset %}", True),
        ("{% filter trim %}{{ text }}{% endfilter %}", True),
        ("{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ text }}{% endcall %}", True),
    ],
)
def test_text_that_is_already_written_is_only_written_out(source, expected):
    assert asks_of_written_text(Environment(), source) is expected
