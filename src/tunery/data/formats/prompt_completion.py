"""JSON Lines with a `prompt` and a `completion` in each row, and perhaps a `system` prompt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import nearest_key
from tunery.data.formats.jsonl import read_objects
from tunery.data.formats.pair import empty_completion, turns_of_pair
from tunery.data.formats.row import Row
from tunery.data.wording import kind_of, quote

_NEEDED = ("prompt", "completion")
_KNOWN_KEYS = (*_NEEDED, "system")


def read_prompt_completion(lines: Iterable[str], file: str) -> Iterator[Row]:
    """Every row of a prompt/completion file; blank lines are not rows.

    Args:
        lines: The lines, from the first of the file on.
        file: Path of the file, for the findings.
    """
    for found in read_objects(lines, file):
        if found.value is not None:
            yield _read_row(found.value, found.place)
        elif found.problem is not None:
            yield Row(found.place.line, findings=(found.problem,))


def _read_row(value: dict[str, object], place: Place) -> Row:
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
    return Row(place.line, turns_of_pair(**texts), tuple(findings), once)


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
