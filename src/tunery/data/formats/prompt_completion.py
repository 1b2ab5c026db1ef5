"""A `prompt` and a `completion` in each row, as texts or (TRL) as lists of messages."""

from __future__ import annotations

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.formats.answer import TurnFields, without_learning
from tunery.data.formats.chat_message import nearest_key
from tunery.data.formats.fields import empty_text
from tunery.data.formats.pair import turns_of_pair
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.tool_list import TOOL_KEYS, read_parallel, read_tools, tool_keys
from tunery.data.formats.unused import unused_keys
from tunery.data.wording import kind_of

_NEEDED = ("prompt", "completion")
_TEXT_KEYS = (*_NEEDED, "system")
_LIST_KEYS = frozenset({*_NEEDED, *TOOL_KEYS})


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a prompt/completion file.

    Args:
        value: The object.
        place: Where it stands.
    """
    return read_plain(value, place) or read_thoroughly(value, place)


def read_plain(value: dict[str, object], place: Place) -> Row | None:
    """The short way for two texts and nothing else; None for all that it does not take.

    Args:
        value: The object.
        place: Where it stands.
    """
    prompt, completion = value.get("prompt"), value.get("completion")
    if len(value) != 2 or type(prompt) is not str or type(completion) is not str:
        return None
    if not completion or completion.isspace():
        return None
    return Row(place.line, Conversation(turns_of_pair(prompt, completion), place.file, place.line))


def read_thoroughly(value: dict[str, object], place: Place) -> Row:
    """As `read_row`, for rows of any kind; it says everything that is wrong.

    Args:
        value: The object.
        place: Where it stands.
    """
    if any(isinstance(value.get(key), list) for key in _NEEDED):
        return _read_lists(value, place)
    missing = [key for key in _NEEDED if key not in value]
    findings = [_missing(key, value, place) for key in missing]
    texts = {"prompt": "", "completion": "", "system": ""}
    for key in _TEXT_KEYS:
        text = value.get(key)
        if isinstance(text, str):
            texts[key] = text
        elif key in value and not (key == "system" and text is None):
            findings.append(_not_text(key, text, place))
    if isinstance(value.get("completion"), str) and not texts["completion"].strip():
        findings.append(empty_text("pair.empty_completion", '"completion"', place))
    tools = read_tools(value, place, findings)
    parallel = read_parallel(value, place, findings)
    known = {*_TEXT_KEYS, *tool_keys(value)}
    # Where a needed key is missing, that finding names the nearest one.
    once = () if missing else unused_keys(value, known, place, "pair", "prompt/completion")
    record = Conversation(turns_of_pair(**texts), place.file, place.line, tools, parallel)
    return row_of(place, record, findings, once)


def _read_lists(value: dict[str, object], place: Place) -> Row:
    """Lists of messages: only the completion is learned."""
    fields = TurnFields(value, place, "pair", _LIST_KEYS, "empty_completion")
    prompt, completion = fields.prompt("prompt"), fields.answer("completion")
    tools = read_tools(value, place, fields.findings)
    parallel = read_parallel(value, place, fields.findings)
    known = {*_NEEDED, *tool_keys(value)}
    fields.once += unused_keys(value, known, place, "pair", "prompt/completion")
    messages = (*without_learning(prompt), *completion)
    record = Conversation(messages, place.file, place.line, tools, parallel)
    return row_of(place, record, fields.findings, fields.once)


def _missing(key: str, value: dict[str, object], place: Place) -> Finding:
    others = {name: text for name, text in value.items() if name not in _TEXT_KEYS}
    if "messages" in value:
        hint = "This is a chat row; put such rows in a file of their own."
    else:
        free = ' (an empty text "" is allowed)' if key == "prompt" else ""
        hint = nearest_key(key, others) or f'Add "{key}" to the row{free}.'
    return place.found("pair.missing_key", f'the row has no "{key}"; expected a text', hint)


def _not_text(key: str, value: object, place: Place) -> Finding:
    hint = "Write it as a text."
    if isinstance(value, int | float) or value is None:
        hint = 'Put it in quotes if it is meant as text ("42").'
    elif isinstance(value, list):
        hint = 'Write a conversation as a chat row: {"messages": [...]}.'
    return place.found("pair.not_text", f'"{key}" is {kind_of(value)}; expected a text', hint)
