import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout

import pytest

from tunery.cli.dialogue import Dialogue, Terminal, converse
from tunery.cli.main import app
from tunery.data.conversation import Message
from tunery.serve.engine import Sampling
from tunery.testing.scripted_engine import ScriptedEngine


class Listening:
    """A scripted engine that keeps what it was asked."""

    def __init__(self, answer=lambda messages: messages[-1].content.upper()):
        self.scripted = ScriptedEngine({"shop": answer}, context_tokens=50)
        self.asked = []

    def stream(self, model, prompt, sampling):
        self.asked.append(([(turn.role, turn.content) for turn in prompt], sampling))
        return self.scripted.stream(model, prompt, sampling)


@pytest.fixture
def listening(workspace):
    workspace.engine = Listening()
    return workspace.engine


def test_a_message_prints_just_the_answer(run, workspace):
    result = run("chat", "shop", "--message", "where is it?")

    assert result.stdout == "WHERE IS IT?\n"
    assert "Loading shop" in result.stderr
    assert workspace.opened == [(["shop"], None)]


def test_standard_input_is_a_message(run, listening):
    result = run("chat", "shop", "-m", "one\ntwo")
    piped = run("chat", "shop", input="one\ntwo\n")

    assert result.stdout == piped.stdout == "ONE\nTWO\n"
    assert listening.asked[0] == listening.asked[1]


def test_options_reach_the_engine(run, listening, workspace):
    run(
        *("chat", "shop", "-m", "hi", "--system", "Be kind.", "--max-tokens", 7),
        *("--temperature", 0.5, "--seed", 3, "--threads", 2),
    )

    ((turns, sampling),) = listening.asked
    assert turns == [("system", "Be kind."), ("user", "hi")]
    assert sampling == Sampling(max_tokens=7, temperature=0.5, seed=3)
    assert workspace.opened == [(["shop"], 2)]


def test_by_default_answers_are_repeatable_and_end(run, listening):
    run("chat", "shop", "-m", "hi")

    ((_, sampling),) = listening.asked
    assert sampling == Sampling(max_tokens=512, temperature=0.0)


def test_the_system_prompt_of_the_training_is_the_default(run, listening, tune):
    folder = tune(system="Answer with JSON.")

    told = run("chat", "shop", "-m", "hi").stderr
    run("chat", "shop", "-m", "hi", "--system", "Other.")
    run("chat", "shop", "-m", "hi", "--system", "")

    systems = [turns[0] for turns, _ in listening.asked]
    assert systems == [("system", "Answer with JSON."), ("system", "Other."), ("user", "hi")]
    assert str(folder / "system.txt") in told


def test_a_model_that_was_tuned_with_many_prompts_gets_none(run, listening, tune):
    tune()

    run("chat", "shop", "-m", "hi")

    assert listening.asked[0][0] == [("user", "hi")]


def test_a_cut_answer_is_told(run):
    result = run("chat", "shop", "-m", "a b c", "--max-tokens", 2)

    assert result.stdout == "A B\n"
    assert "cut by the limit of 2 tokens" in result.stderr


@pytest.mark.parametrize(
    ("given", "message"), [("  \n", "The message is empty"), (b"\xff", "is not UTF-8 text")]
)
def test_messages_that_cannot_be_asked(run, workspace, given, message):
    assert message in run("chat", "shop", input=given, expect=2).stderr
    assert workspace.opened == []  # said at once, and not after loading


def test_a_prompt_that_is_too_long(run):
    assert "The prompt has 60 tokens" in run("chat", "shop", "-m", "a " * 60, expect=2).stderr


def test_an_answer_keeps_its_characters_in_a_pipe(run, workspace):
    workspace.engine = Listening(lambda messages: "a\x1b[1mb\n[red]")

    assert run("chat", "shop", "-m", "hi").stdout == "a\x1b[1mb\n[red]\n"


def test_control_c_in_a_single_answer_ends_the_command(run, workspace):
    workspace.engine = Interrupted(after=1)

    result = run("chat", "shop", "-m", "hi", expect=130)

    assert result.stdout == "piece \n"
    assert result.stderr.endswith("Stopped.\n")


class Interrupted:
    """An engine during whose answer Ctrl-C is pressed."""

    def __init__(self, after):
        self.after = after
        self.closed = False

    def stream(self, model, prompt, sampling):
        from tunery.serve.engine import Delta

        try:
            for _ in range(self.after):
                yield Delta("piece ")
            raise KeyboardInterrupt
        finally:
            self.closed = True


@pytest.fixture
def talk():
    """A conversation in which the person types these lines; returns it, what was said, notes."""

    def hold(engine, *lines, **state):
        typed, said, notes = iter(lines), [], []
        dialogue = Dialogue(engine, "shop", Sampling(max_tokens=20), **state)
        terminal = Terminal(lambda: next(typed, None), said.append, notes.append)
        converse(dialogue, terminal)
        return dialogue, "".join(said), notes

    return hold


def test_a_conversation_remembers(talk):
    engine = Listening()

    dialogue, said, _ = talk(engine, "one", "", "two", system="Be kind.")

    assert said == "ONE\nTWO\n"
    assert engine.asked[1][0] == [
        ("system", "Be kind."),
        ("user", "one"),
        ("assistant", "ONE"),
        ("user", "two"),
    ]
    assert dialogue.turns[-1] == Message("assistant", "TWO")


def test_exit_leaves(talk):
    engine = Listening()

    talk(engine, "/exit", "one")

    assert engine.asked == []


def test_reset_forgets(talk):
    engine = Listening()

    talk(engine, "one", "/reset", "two", system="Be kind.")

    assert engine.asked[1][0] == [("system", "Be kind."), ("user", "two")]


def test_the_system_prompt_can_be_changed_and_removed(talk):
    engine = Listening()

    _, _, notes = talk(engine, "one", "/system Be short.", "two", "/system", "three")

    assert [turns for turns, _ in engine.asked[1:]] == [
        [("system", "Be short."), ("user", "two")],
        [("user", "three")],
    ]
    assert "with this system prompt" in notes[0]
    assert "with no system prompt" in notes[1]


def test_help_and_unknown_commands(talk):
    engine = Listening()

    _, said, notes = talk(engine, "/help", "/halp", "/home/me is full")

    assert "/reset" in notes[0]
    assert notes[1].startswith("There is no command /halp.")
    assert said == "/HOME/ME IS FULL\n"


def test_a_conversation_that_is_too_long_goes_on_as_it_was(talk):
    dialogue, _, notes = talk(Listening(), "one", "a " * 60)

    assert "The prompt has" in notes[0]
    assert "/reset starts a new conversation" in notes[0]
    assert [turn.content for turn in dialogue.turns] == ["one", "ONE"]


def test_a_cut_answer_is_told_in_a_conversation(talk):
    _, _, notes = talk(Listening(), "a " * 30)

    assert "cut by the limit of 20 tokens" in notes[0]


@pytest.mark.parametrize(("after", "kept"), [(2, ["hi", "piece piece "]), (0, [])])
def test_control_c_stops_an_answer_and_keeps_what_was_said(talk, after, kept):
    engine = Interrupted(after)

    dialogue, _, notes = talk(engine, "hi")

    assert notes == ["(stopped)"]
    assert [turn.content for turn in dialogue.turns] == kept
    assert engine.closed


def test_a_stream_is_closed_when_writing_it_is_interrupted():
    engine = Interrupted(after=5)
    dialogue = Dialogue(engine, "shop", Sampling())

    def write(piece):
        raise KeyboardInterrupt

    assert dialogue.ask("hi", write) == "interrupted"
    assert engine.closed


class FakeTerminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("screen", [FakeTerminal, io.StringIO])
def test_lines_are_asked_for_at_a_terminal(workspace, monkeypatch, capsys, screen):
    monkeypatch.setattr("sys.stdin", FakeTerminal("one\n\n"))  # and then Ctrl-D
    workspace.engine = Listening(lambda messages: "\x1b[2J1")

    with redirect_stdout(screen()) as shown, pytest.raises(SystemExit) as ended:
        app(["chat", "shop"], obj=workspace)

    assert ended.value.code == 0
    notes = capsys.readouterr().err
    assert "Talk to shop; /help shows the commands" in notes
    if screen is FakeTerminal:
        assert shown.getvalue() == "> " + r"\x1b[2J1" + "\n> > "
    else:  # the answers go to a file, the questions do not
        assert shown.getvalue() == "\x1b[2J1\n"
        assert notes.count("> ") == 3


PROGRAM = """
import sys, time
from pathlib import Path
from tunery.cli.main import app
from tunery.config.settings import Settings
from tunery.serve.engine import Completion, Delta
from tunery.workspace import Workspace

class Slow:
    def stream(self, model, prompt, sampling):
        yield Delta("\\x1b[2Jbegin ")
        if prompt[-1].content == "long":
            time.sleep(60)
        yield Delta("end", Completion("", "stop", 1, 1))

class Scripted(Workspace):
    def open_engine(self, names, log, threads=None):
        return Slow()

app(["chat", "shop"], obj=Scripted(Settings(home=Path(sys.argv[1]))), prog_name="tunery")
"""


class Screen:
    """What a program writes to its terminal."""

    def __init__(self, terminal):
        self.terminal = terminal
        self.seen = ""

    def wait_for(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.terminal], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not come; there is {self.seen!r}"
            self.seen += os.read(self.terminal, 4096).decode()
        before, _, self.seen = self.seen.partition(text)
        return before

    def shows(self, text, seconds=1):
        try:
            self.wait_for(text, seconds)
        except (AssertionError, OSError):  # nothing came, or the program is gone
            return text in self.seen
        return True


def test_at_a_terminal(tmp_path):
    ours, theirs = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "dumb"},
        start_new_session=True,
    )
    os.close(theirs)
    screen = Screen(ours)
    try:
        screen.wait_for("> ")
        os.write(ours, b"short\n")
        answer = screen.wait_for("> ")
        os.write(ours, b"long\n")
        screen.wait_for("begin ")
        program.send_signal(signal.SIGINT)
        screen.wait_for("(stopped)")
        screen.wait_for("> ")
        while not screen.shows("Stopped."):  # readline loses a signal between prompt and wait
            program.send_signal(signal.SIGINT)
        assert program.wait(60) == 130
    finally:
        program.kill()
        program.wait()
        os.close(ours)
    assert re.sub(r"\s+", " ", answer).strip() == r"short \x1b[2Jbegin end"
