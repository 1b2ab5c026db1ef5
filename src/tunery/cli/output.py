"""The two ways in which a command answers: text and tables for people, JSON for programs.

Answers go to standard output. Notes, progress and errors go to standard error, so that with
`--json` standard output holds one JSON value and nothing else. Text that comes from files or
models is never read as markup, and shows its control characters instead of sending them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
"""The option of every command whose output is data."""

UNLIMITED_COLUMNS = 100_000
"""Width where no terminal sets one: a table in a file or a pipe is not cut."""

# They turn the direction of what follows, so that a text reads other than it is.
_BIDI = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def printable(text: str) -> str:
    r"""A text with its control characters shown as `\x1b`; line breaks and tabs stay.

    What else no terminal can write, such as half of a surrogate pair, is shown the same way.
    """
    return "".join(
        char.encode("unicode_escape").decode() if _is_unsafe(char) else char for char in text
    )


def _is_unsafe(char: str) -> bool:
    point = ord(char)
    if point < 0x20:
        return char not in "\n\t"
    return 0x7F <= point < 0xA0 or 0xD800 <= point < 0xE000 or char in _BIDI


def say(text: str, style: str = "") -> None:
    """Prints a sentence that is part of the answer."""
    _print(open_console(), text, style)


def note(text: str, style: str = "") -> None:
    """Tells the person something that is not part of the answer."""
    _print(open_console(stderr=True), text, style)


def show_error(message: str, hint: str = "") -> None:
    """Prints what is wrong and, on a line of its own, what to do about it."""
    from rich.text import Text

    text = Text.assemble(("Error: ", "bold red"), printable(message))
    if hint:
        text.append(f"\n{printable(hint)}")
    open_console(stderr=True).print(text, soft_wrap=True)


def show_json(value: Any) -> None:
    """Prints one JSON value; characters outside ASCII are escaped, so any encoding can carry it."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def show_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    styles: Sequence[str] = (),
) -> None:
    """Prints a table: with lines and in colour in a terminal, in plain columns elsewhere.

    Args:
        headings: One for each column.
        rows: Cells as plain text, a line each.
        title: Printed above.
        styles: One of Rich's styles for each row; none by default.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if title:
        say(title, style="bold")  # Rich would break it at the width of the table
    cells = [[_cell(cell) for cell in row] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    for index, row in enumerate(cells):
        style = styles[index] if styles else ""
        table.add_row(*map(Text, row), style=style)
    # The first column is a name that is copied, so it is the last one to be broken.
    longest = max((len(row[0]) for row in cells), default=0)
    table.columns[0].no_wrap = longest <= open_console().width // 2
    _print_table(table)


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Prints names and values in two columns."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(_cell(name)), Text(printable(value)))
    _print_table(table)


def _print_table(table: Table) -> None:
    console = open_console()
    if console.is_terminal:
        console.print(table)
        return
    table.box, table.pad_edge, table.padding = None, False, (0, 2, 0, 0)
    with console.capture() as captured:
        console.print(table)
    # Rich fills the last column with spaces, which would be part of the line in a file.
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")


def open_console(*, stderr: bool = False) -> Console:
    """A console for tables and progress; plain and as wide as needed where there is no terminal."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = UNLIMITED_COLUMNS
    return console


def _print(console: Console, text: str, style: str) -> None:
    from rich.text import Text

    # Soft: a path that a person wants to copy must not get a line break in it.
    console.print(Text(printable(text), style=style), soft_wrap=True)


def _cell(text: str) -> str:
    return " ".join(printable(text).split("\n"))
