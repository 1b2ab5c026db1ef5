import contextlib
import io
import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunery.cli.output import note, printable, say, show_error, show_facts, show_json, show_table


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Calls a function whose output goes to a terminal of 60 columns; returns what it wrote."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")

    def show(function, *args, **options):
        with contextlib.redirect_stdout(FakeTerminal()) as screen:
            function(*args, **options)
        return screen.getvalue()

    return show


@settings(deadline=None)
@given(st.text())
def test_printable_text_has_no_control_characters(text):
    shown = printable(text)

    assert {unicodedata.category(char) for char in shown} & {"Cc", "Cs"} <= {"Cc"}
    assert all(char in "\n\t" for char in shown if unicodedata.category(char) == "Cc")
    shown.encode()


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cf"])))
def test_ordinary_text_is_left_as_it_is(text):
    assert printable(text) == text


def test_what_is_unsafe_is_shown_as_an_escape():
    assert printable("a\x1b[2Jb\x9b\u202ec\ud83d") == r"a\x1b[2Jb\x9b\u202ec\ud83d"
    assert printable("family \U0001f468\u200d\U0001f469 \u05e9") == "family 👨\u200d👩 ש"


def test_tables_are_plain_and_whole_where_there_is_no_terminal(capsys):
    show_table(("name", "what"), [("a", "word " * 60 + "end"), ("longer", "b")], title="All")

    lines = capsys.readouterr().out.splitlines()
    assert lines == ["All", "name    what", "a       " + "word " * 60 + "end", "longer  b"]


def test_cells_are_text_and_never_markup(capsys):
    show_table(("what",), [("[red]x[/red] [/] :smile: a\nb \x1b[0m",)])

    assert capsys.readouterr().out.splitlines()[1] == r"[red]x[/red] [/] :smile: a b \x1b[0m"


def test_sentences_are_text_and_never_markup(capsys):
    say("[bold]a[/bold]")
    note("[/] b")
    show_error("[/] c", "[red] d")

    captured = capsys.readouterr()
    assert captured.out == "[bold]a[/bold]\n"
    assert captured.err == "[/] b\nError: [/] c\n[red] d\n"


def test_a_terminal_gets_lines_and_colours(terminal):
    shown = terminal(show_table, ("name",), [("a",)], styles=["red"])

    assert "────" in shown
    assert "\x1b[31m" in shown


def test_no_color_is_honoured(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    shown = terminal(show_table, ("name",), [("a",)], styles=["red"])

    assert "────" in shown
    assert "\x1b[3" not in shown


def test_a_terminal_folds_cells_and_cuts_nothing(terminal):
    shown = terminal(show_table, ("name",), [("x" * 200,)], title="A title that is long " * 3)

    assert shown.startswith("\x1b[1m" + "A title that is long " * 3)
    assert shown.count("x") == 200
    widths = [len(re.sub(r"\x1b\[\d*m", "", line)) for line in shown.splitlines()]
    assert max(widths[1:]) <= 60


def test_a_name_in_the_first_column_is_broken_last(terminal):
    words = "some words " * 9
    shown = terminal(show_table, ("Name", "a", "b"), [("tinyllama-1.1b-chat", words, words)])

    assert "tinyllama-1.1b-chat" in shown
    assert shown.count("some") == shown.count("words") == 18


def test_paths_are_not_broken_by_a_narrow_terminal(terminal):
    assert terminal(say, "/long" * 40) == "/long" * 40 + "\n"


def test_facts_keep_the_lines_of_a_value(capsys):
    show_facts([("name", "a"), ("memory", "one\ntwo")])

    assert capsys.readouterr().out.splitlines() == ["name    a", "memory  one", "        two"]


def test_json_is_ascii_so_that_every_encoding_carries_it(capsys):
    show_json({"text": "ü\ud83d"})

    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"text": "ü\ud83d"}


def test_what_json_has_no_number_for_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        show_json(float("nan"))
