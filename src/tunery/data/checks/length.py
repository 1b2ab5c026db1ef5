"""Rows so long that most models cannot take them, told where no tokenizer is at hand."""

from __future__ import annotations

from collections.abc import Iterable

from tunery.data.checks.texts import tools_of, turns_of
from tunery.data.findings import Finding, Place
from tunery.data.records import Record, Text

CHARACTERS_A_TOKEN = 4
"""Of plain English, roughly; the share of OpenAI's tokenizer page."""

USUAL_CONTEXT = 8_192
"""Tokens that most small models take at once."""


def check_length(record: Record, place: Place) -> Iterable[Finding]:
    """A row that is probably longer than a usual context; plain texts are cut anyway."""
    if isinstance(record, Text):
        return ()
    length = len(tools_of(record)) + sum([len(turn.content) for turn in turns_of(record)])
    if length <= CHARACTERS_A_TOKEN * USUAL_CONTEXT:
        return ()
    return (
        place.found(
            "row.long",
            f"the row has {length:,} characters, about {length // CHARACTERS_A_TOKEN:,} tokens; "
            f"many models take {USUAL_CONTEXT:,}",
            "Check it with the model's own tokenizer (--model); a row that does not fit is left "
            "out of training, or shorten it.",
        ),
    )
