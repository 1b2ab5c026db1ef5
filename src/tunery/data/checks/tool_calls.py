"""Calls that the assistant makes, and the results that come back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from json import JSONDecodeError

import jsonschema_rs

from tunery.data.checks.texts import Turns, tools_of
from tunery.data.checks.tool_list import STRICT_JSON, ToolList, read_tools
from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.findings import Finding, Place
from tunery.data.records import Judged, Preference, Record, Text
from tunery.data.wording import kind_of, listed, nearest, quote

ARGUMENTS_LIMIT = 1_000_000
"""Longer arguments (in characters) are not compared with their schema, and a finding says so."""
_SCHEMA_FAULTS_TOLD = 3


def check_tool_calls(record: Record, place: Place) -> Iterable[Finding]:
    """Every fault of tools, calls and results.

    Of a preference only the better answer is looked at, of a judged row only a good one: a worse
    answer may be worse because of its calls.
    """
    turns = _taught(record)
    tools = tools_of(record)
    if not tools and not any(turn.tool_calls or turn.role == "tool" for turn in turns):
        return ()
    return _findings(record, turns, read_tools(tools), place)


def _taught(record: Record) -> Turns:
    if isinstance(record, Conversation):
        return record.messages
    if isinstance(record, Text):
        return ()
    if isinstance(record, Preference):
        return record.prompt + record.chosen
    if isinstance(record, Judged) and record.good:
        return record.prompt + record.completion
    return record.prompt


def _findings(record: Record, turns: Turns, tools: ToolList, place: Place) -> Iterator[Finding]:
    for fault in tools.faults:
        yield fault.at(place)
    single = isinstance(record, Conversation | Preference) and record.parallel_tool_calls is False
    calls = False
    for number, turn in enumerate(turns, start=1):
        if not turn.tool_calls:
            continue
        calls = True
        if single and len(turn.tool_calls) > 1:
            yield place.found(
                "tool_calls.parallel",
                f"message {number} makes {len(turn.tool_calls)} calls, but parallel_tool_calls "
                "is false; expected one call",
                "Split the calls over several turns, or set parallel_tool_calls to true.",
            )
        for call in turn.tool_calls:
            yield from _call(call, number, tools, place)
    if calls and not tools_of(record):
        yield place.found(
            "tool_calls.no_tools",
            'the row calls tools but has no "tools"; expected the list of what can be called',
            "Add the tools to the row, so that the model sees when it may call them.",
        )
    yield from _results(turns, place)


def _call(call: ToolCall, number: int, tools: ToolList, place: Place) -> Iterator[Finding]:
    if tools.validators and call.name not in tools.validators:
        near = nearest(call.name, tools.validators)
        yield place.found(
            "tool_calls.unknown_tool",
            f"message {number} calls {quote(call.name)}; expected one of "
            f"{listed(tools.validators)}",
            f"Did you mean {quote(near)}?" if near else "Add the tool, or correct the name.",
        )
    where = f"the arguments of {quote(call.name)} in message {number}"
    try:
        arguments = STRICT_JSON.decode(call.arguments)
    except RecursionError:
        yield place.found(
            "tool_calls.arguments_not_json",
            f"{where} are nested too deeply to read; expected the JSON text of an object",
            "Write them with fewer levels.",
        )
        return
    except ValueError as error:
        yield _not_json(call.arguments, where, error, place)
        return
    if isinstance(arguments, str) and _is_object(arguments):
        yield place.found(
            "tool_calls.arguments_encoded_twice",
            f"{where} are a text that holds JSON; expected the JSON text of an object",
            "They were turned into JSON twice; leave out one json.dumps.",
        )
    elif not isinstance(arguments, dict):
        yield place.found(
            "tool_calls.arguments_not_object",
            f"{where} are {kind_of(arguments)}; expected the JSON text of an object",
            'Write them by name, as in {"city": "Paris"}.',
        )
    elif validator := tools.validators.get(call.name):
        yield from _against_schema(arguments, validator, call, number, place)


def _is_object(text: str) -> bool:
    try:
        return isinstance(STRICT_JSON.decode(text), dict)
    except (ValueError, RecursionError):
        return False


def _not_json(text: str, where: str, error: ValueError, place: Place) -> Finding:
    at = error.pos if isinstance(error, JSONDecodeError) else None
    if not text.strip():
        problem, hint = "are empty", "Write {} if the call has no arguments."
    else:
        column = "" if at is None else f" at character {at + 1}"
        near = text if at is None else text[max(0, at - 20) : at + 20]
        problem, hint = f"are not JSON{column}, near {quote(near)}", "Write them with json.dumps."
    if any(sign in text for sign in ("{'", "True", "False", "None", "':", "{ '")):
        hint = "This is Python syntax: write json.dumps(arguments), not str(arguments)."
    return place.found(
        "tool_calls.arguments_not_json",
        f"{where} {problem}; expected the JSON text of an object",
        hint,
    )


def _against_schema(
    arguments: dict[str, object],
    validator: jsonschema_rs.Validator,
    call: ToolCall,
    number: int,
    place: Place,
) -> Iterator[Finding]:
    where = f"the arguments of {quote(call.name)} in message {number}"
    if len(call.arguments) > ARGUMENTS_LIMIT:
        yield _not_compared(where, f"have more than {ARGUMENTS_LIMIT:,} characters", place)
        return
    try:
        if validator.is_valid(arguments):
            return
        faults = list(islice(validator.iter_errors(arguments), _SCHEMA_FAULTS_TOLD))
    except (ValueError, RecursionError):
        what = "hold half a character, or levels or numbers beyond what can be compared"
        yield _not_compared(where, what, place)
        return
    for fault in faults:
        path = ".".join(str(step) for step in fault.instance_path)
        named = f"{quote(path)} of {where}" if path else where
        yield place.found(
            "tool_calls.arguments_break_schema",
            f"{named}: {_shown(fault)}",
            "Correct the call, or the tool's parameters: the model learns what it is shown.",
        )


def _not_compared(where: str, what: str, place: Place) -> Finding:
    return place.found(
        "tool_calls.arguments_not_compared",
        f"{where} {what}; they were not compared with the tool's schema",
        "Shorten or repair them; a model can hardly learn to write this.",
    )


def _shown(fault: jsonschema_rs.ValidationError) -> str:
    """What the library says, which the mask keeps free of the row's values."""
    said = fault.message if len(fault.message) <= 160 else fault.message[:159] + "…"
    return "".join(c if c.isprintable() else " " for c in said)


def _results(turns: Turns, place: Place) -> Iterator[Finding]:
    """Calls without a result and results without a call.

    A row may end with a call: that is what it teaches.
    """
    open_ids: list[str] = []
    called = False
    for number, turn in enumerate(turns, start=1):
        if turn.role != "tool":
            if open_ids and number > 1:
                yield _no_result(open_ids, number, place)
            open_ids = [call.id for call in turn.tool_calls]
            called = called or bool(open_ids)
        elif not called:
            yield place.found(
                "tool_calls.result_without_call",
                f"message {number} is a tool's result, but no call comes before it",
                "Put the assistant turn with the tool_calls before it, or remove it.",
            )
        elif not _answered(turn, open_ids):
            given = f" with the id {quote(turn.tool_call_id)}" if turn.tool_call_id else ""
            yield place.found(
                "tool_calls.unknown_id",
                f"message {number} is a tool's result{given}; expected it to answer an open call"
                + (f" ({listed(open_ids)})" if any(open_ids) else ""),
                "Give it the id of the call that it answers.",
            )


def _answered(turn: Message, open_ids: list[str]) -> bool:
    """Takes the answered call from the open ones; False if there is none.

    Where one of both sides has no id, the results stand in the order of the calls.
    """
    wanted = turn.tool_call_id
    if wanted in open_ids:
        open_ids.remove(wanted)
        return True
    if open_ids and (not wanted or "" in open_ids):
        open_ids.remove("" if "" in open_ids else open_ids[0])
        return True
    return False


def _no_result(open_ids: list[str], number: int, place: Place) -> Finding:
    named = [name for name in open_ids if name]
    which = f" ({listed(named)})" if named else ""
    return place.found(
        "tool_calls.missing_result",
        f"message {number} follows {len(open_ids)} call(s) without a result{which}; expected a "
        "tool turn for each call",
        "Add the tool's results after the call.",
    )
