"""Plain text to continue: one `text` in each row, and nothing else."""

from __future__ import annotations

from tunery.data.findings import Place
from tunery.data.formats.fields import TextFields
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.unused import unused_keys
from tunery.data.records import Text


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a file of plain texts.

    Args:
        value: The object.
        place: Where it stands.
    """
    fields = TextFields(value, place, "plain", ("text",))
    text = fields.filled("text", "empty_text")
    once = unused_keys(value, ("text",), place, "plain", "plain text") if "text" in value else ()
    return row_of(place, Text(text, place.file, place.line), fields.findings, once)
