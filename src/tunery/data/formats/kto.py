"""TRL's judged answers: `prompt`, `completion`, and a `label` that says good or bad."""

from __future__ import annotations

from tunery.data.findings import Place
from tunery.data.formats.answer import TurnFields
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.unused import unused_keys
from tunery.data.records import Judged
from tunery.data.wording import kind_of, quote

_KEYS = frozenset({"prompt", "completion", "label"})
# Tables hold texts; a label of any other kind belongs to another format.
_OF_TEXT = {"true": True, "false": False, "1": True, "0": False}


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a file of judged answers.

    Args:
        value: The object.
        place: Where it stands.
    """
    fields = TurnFields(value, place, "kto", _KEYS)
    prompt, completion = fields.prompt("prompt"), fields.answer("completion")
    good = verdict(value.get("label"))
    if good is None:
        label = value.get("label")
        found = quote(label) if isinstance(label, str) else kind_of(label)
        fields.findings.append(
            place.found(
                "kto.bad_label",
                f"the label is {found if 'label' in value else 'missing'}; expected true or false",
                'Write "label": true for a good answer, false for a bad one.',
            )
        )
    fields.once += unused_keys(value, _KEYS, place, "kto", "judged answer (KTO)")
    record = Judged(prompt, completion, bool(good), place.file, place.line)
    return row_of(place, record, fields.findings, fields.once)


def verdict(label: object) -> bool | None:
    """Whether the label says good; None if it says neither good nor bad."""
    if isinstance(label, str):
        return _OF_TEXT.get(label.strip().lower())
    is_whole = isinstance(label, int) and label in (0, 1)
    return bool(label) if is_whole else None
