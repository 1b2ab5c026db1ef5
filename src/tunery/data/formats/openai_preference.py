"""OpenAI's preference format: an `input`, a `preferred_output` and a `non_preferred_output`.

An older name of the outputs ends in `_completion`.
"""

from __future__ import annotations

from tunery.data.findings import Finding, Place
from tunery.data.formats.answer import TurnFields
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.tool_list import read_parallel, read_tools, tool_keys
from tunery.data.formats.unused import unused_keys
from tunery.data.records import Preference
from tunery.data.wording import kind_of

NAMES = {
    "preferred_output": "preferred_completion",
    "non_preferred_output": "non_preferred_completion",
}
_KEYS = frozenset({"input", *NAMES, *NAMES.values()})


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of an OpenAI preference file.

    Args:
        value: The object.
        place: Where it stands.
    """
    fields = TurnFields(value, place, "preference", _KEYS)
    used = {
        key: older if key not in value and older in value else key for key, older in NAMES.items()
    }
    chosen, rejected = (fields.answer(key) for key in used.values())
    given = value.get("input")
    holder = given if isinstance(given, dict) else {}
    if isinstance(given, dict) and given.get("messages"):
        inside = TurnFields(given, place, "preference", frozenset({"messages"}))
        prompt = inside.prompt("messages")
        fields.findings += inside.findings
        fields.once += inside.once
    else:
        prompt = ()
        fields.findings.append(_bad_input(value, place))
    tools = read_tools(holder, place, fields.findings)
    parallel = read_parallel(holder, place, fields.findings)
    known = {"input", *used.values()}
    fields.once += unused_keys(value, known, place, "preference", "OpenAI preference")
    known = {"messages", *tool_keys(holder)}
    fields.once += unused_keys(holder, known, place, "preference", "OpenAI preference", "input")
    record = Preference(prompt, chosen, rejected, place.file, place.line, tools, parallel)
    return row_of(place, record, fields.findings, fields.once)


def _bad_input(value: dict[str, object], place: Place) -> Finding:
    given = value.get("input")
    if "input" not in value:
        found = 'the row has no "input"'
    elif isinstance(given, dict):
        found = '"input" has no messages'
    else:
        found = f'"input" is {kind_of(given)}'
    return place.found(
        "preference.bad_input",
        f"{found}; expected an object with the messages of the prompt",
        'Write "input": {"messages": [{"role": "user", "content": …}]}.',
    )
