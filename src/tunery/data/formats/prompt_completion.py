"""A `prompt` and a `completion` in each row, and perhaps a `system` prompt."""

from __future__ import annotations

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import nearest_key
from tunery.data.formats.pair import empty_completion, turns_of_pair
from tunery.data.formats.row import Row, row_of
from tunery.data.wording import kind_of, quote

_NEEDED = ("prompt", "completion")
_KNOWN_KEYS = (*_NEEDED, "system")


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a prompt/completion file.

    Args:
        value: The object.
        place: Where it stands.
    """
    missing = [key for key in _NEEDED if key not in value]
    findings = [_missing(key, value, place) for key in missing]
    texts = {"prompt": "", "completion": "", "system": ""}
    for key in _KNOWN_KEYS:
        text = value.get(key)
        if isinstance(text, str):
            texts[key] = text
        elif key in value and not (key == "system" and text is None):
            findings.append(_not_text(key, text, place))
    if isinstance(value.get("completion"), str) and not texts["completion"].strip():
        findings.append(empty_completion('"completion"', place))
    once = tuple(
        place.found(
            "pair.unknown_key",
            f"the key {quote(key)} is not part of the prompt/completion format and is not used",
            "Nothing to do if it holds notes; check the spelling if not.",
        )
        for key in value
        # Where a needed key is missing, that finding names the nearest one.
        if not missing and key not in _KNOWN_KEYS and value[key] is not None
    )
    record = Conversation(turns_of_pair(**texts), place.file, place.line)
    return row_of(place, record, findings, once)


def _missing(key: str, value: dict[str, object], place: Place) -> Finding:
    others = {name: text for name, text in value.items() if name not in _KNOWN_KEYS}
    if "messages" in value:
        hint = "This is a chat row; put such rows in a file of their own."
    else:
        free = ' (an empty text "" is allowed)' if key == "prompt" else ""
        hint = nearest_key(key, others) or f'Add "{key}" to the row{free}.'
    return place.found("pair.missing_key", f'the row has no "{key}"; expected a text', hint)


def _not_text(key: str, value: object, place: Place) -> Finding:
    if isinstance(value, list):
        hint = 'Write a conversation as a chat row: {"messages": [...]}.'
    else:
        hint = 'Put it in quotes if it is meant as text ("42").'
    return place.found("pair.not_text", f'"{key}" is {kind_of(value)}; expected a text', hint)
