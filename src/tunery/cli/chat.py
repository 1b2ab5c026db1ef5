"""`tunery chat`: ask a model from the terminal, in a conversation or with one message."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from tunery.cli.dialogue import Dialogue, Terminal, converse, cut_note
from tunery.cli.home import Threads, open_workspace
from tunery.cli.output import note, printable
from tunery.errors import UserError

if TYPE_CHECKING:
    from tunery.workspace import Workspace

MAX_TOKENS = 512
"""Longest answer by default: a small model that does not find its end must stop somewhere."""


def chat(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A tuned model, a base model or a folder.", show_default=False
        ),
    ],
    *,
    message: Annotated[
        str | None,
        typer.Option("--message", "-m", metavar="TEXT", help="Ask this, print the answer, end."),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help='System prompt; "" for none.',
            show_default="the one the model was tuned with",
        ),
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")] = MAX_TOKENS,
    temperature: Annotated[
        float, typer.Option(min=0.0, max=2.0, help="0 gives the most likely answer each time.")
    ] = 0.0,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Makes answers at a temperature repeatable.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Talk to a model, or ask it one thing.

    With a message, or text on standard input, it prints just the answer.

    Example: tunery chat support-triage --message "Where is my parcel?"
    """
    from tunery.serve.engine import Sampling

    workspace = open_workspace(context)
    is_dialogue = message is None and sys.stdin.isatty()
    question = "" if is_dialogue else _question(message)
    system = _system_prompt(workspace, model) if system is None else system
    note(f"Loading {model}")
    dialogue = Dialogue(
        workspace.open_engine([model], note, threads),
        model,
        Sampling(max_tokens=max_tokens, temperature=temperature, seed=seed),
        system,
    )
    if is_dialogue:
        note(f"Talk to {model}; /help shows the commands, /exit leaves.")
        converse(dialogue, Terminal(_read_line, _write, note))
        return
    ending = dialogue.ask(question, _write)
    _write("\n")
    if ending == "interrupted":
        raise KeyboardInterrupt
    if ending == "length":
        note(cut_note(dialogue.sampling))


def _question(message: str | None) -> str:
    """The one message, from the option or standard input.

    Raises:
        UserError: It is empty or not text.
    """
    try:
        text = sys.stdin.read() if message is None else message
        text.encode()
    except UnicodeError:
        raise UserError("The message is not UTF-8 text.", "Convert it, or leave it out.") from None
    if not text.strip():
        raise UserError("The message is empty.", "Give one with --message or on standard input.")
    return text.removesuffix("\n")


def _system_prompt(workspace: Workspace, name: str) -> str:
    """What the model was tuned with, if that is one prompt; empty otherwise."""
    from tunery.models.registry import SYSTEM_FILE

    for tuned in workspace.tuned():
        file = tuned.folder / SYSTEM_FILE
        if tuned.name == name and file.is_file():
            note(f'System prompt: the one it was tuned with, {file}; --system "" leaves it out.')
            return file.read_text("utf-8")
    return ""


def _read_line() -> str | None:
    """A line from the person; None at the end of the input."""
    with suppress(ImportError):
        import readline  # noqa: F401 - gives `input` its line editing and history
    try:
        if sys.stdout.isatty():
            return input("> ")
        sys.stderr.write("> ")
        sys.stderr.flush()
        return input()
    except EOFError:
        return None


def _write(piece: str) -> None:
    sys.stdout.write(printable(piece) if sys.stdout.isatty() else piece)
    sys.stdout.flush()
