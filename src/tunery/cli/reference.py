"""The commands' help as a page of documentation.

$ python -m tunery.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from tunery.cli.main import app

WIDTH = 96  # columns

INTRODUCTION = """\
# Command line

Made from the commands' own help: `python -m tunery.cli.reference > docs/reference/cli.md`.

Every command ends with 0 when it did what was asked, with 2 when what was given cannot be used,
with 1 when the work failed, with 130 after Ctrl-C, and with 75 when a training was paused, which
Ctrl-C does there. Answers go to standard output, notes and errors to standard error; with `--json`
standard output holds one JSON value. `NO_COLOR=1` switches colours off.
"""


def render() -> str:
    """The page, as Markdown."""
    command = get_command(app)
    context = typer.Context(
        command, info_name="tunery", terminal_width=WIDTH, **command.context_settings
    )
    return INTRODUCTION + "".join(
        f"\n## `{path}`\n\n```text\n{text}\n```\n" for path, text in _helps(command, context)
    )


def _helps(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    """The path and plain help of a command, then those of the commands in it."""
    command.rich_markup_mode = None  # plain text, whatever this terminal can show
    yield context.command_path, command.get_help(context).strip()
    for name, inner in getattr(command, "commands", {}).items():
        child = typer.Context(inner, info_name=name, parent=context, terminal_width=WIDTH)
        yield from _helps(inner, child)


if __name__ == "__main__":
    sys.stdout.write(render())
