"""What probably happened to a line that is not JSON."""

from __future__ import annotations

import json

ONE_LINE_EACH = "Write each row as one JSON object on one line, with a JSON library."


def guess_cause(text: str, error: json.JSONDecodeError) -> str:
    """A sentence that says how to repair the line.

    Args:
        text: The line without its line end.
        error: What the parser said about it.
    """
    before, rest = text[: error.pos].rstrip(), text[error.pos :]
    return (
        _by_message(error.msg, rest) or _by_next_text(before, rest.lstrip(), text) or ONE_LINE_EACH
    )


def _by_message(message: str, rest: str) -> str | None:
    """The parser's own words are sometimes enough."""
    if message.startswith("Extra data"):
        if rest.startswith("{"):
            return "Two rows stand on this line; put each on a line of its own."
        if rest.startswith(","):
            return "Remove the comma after the row; JSON Lines has none between rows."
        return "Something follows the row on the same line; put only one JSON object on a line."
    if message.startswith("Unterminated string"):
        return (
            "The line ends inside a text: write a line break in a text as \\n, or repair the "
            "line if it was cut off."
        )
    if message.startswith("Invalid control character"):
        return "Write a tab in a text as \\t, and other control characters as \\u00XX."
    if message.startswith("Invalid \\"):
        return "Write a backslash in a text as two (C:\\\\folder)."
    return None


def _by_next_text(before: str, rest: str, text: str) -> str | None:
    """What stands where the parser stopped, and before it."""
    if rest.startswith(("'", "True", "False", "None")):
        return "This looks like a Python dict; write rows with json.dumps, not with str or print."
    if rest.startswith(("\u201c", "\u201d", "\u2018", "\u2019")):
        return 'Replace the curly quotes around keys and texts by straight ones (").'
    if rest.startswith(("}", "]")) and before.endswith(","):
        return f'Remove the comma before the last "{rest[0]}".'
    if text.strip() in ("{", "[", "}", "]", "},"):
        return "The JSON is spread over several lines; put each whole row on one line."
    if not rest:
        return "The line ends too early; it may have been cut off."
    if before.endswith('"'):
        return 'A quote inside a text must be written as \\" (or a comma is missing here).'
    return None
