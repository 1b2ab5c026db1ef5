"""Alpaca: `instruction`, perhaps `input`, and `output`; also `system` and earlier turns.

Self-Instruct writes the same with several examples under one instruction, in `instances`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunery.data.conversation import Conversation, Message
from tunery.data.findings import Finding, Place
from tunery.data.formats.fields import TextFields
from tunery.data.formats.pair import system_turn, turns_of_pair
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.unused import unused_keys
from tunery.data.wording import kind_of

_KEYS = ("instruction", "input", "output", "system", "history")


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of an Alpaca file.

    Args:
        value: The object.
        place: Where it stands.
    """
    fields = TextFields(value, place, "alpaca", _KEYS)
    prompt = with_input(fields.needed("instruction"), fields.optional("input"))
    output, system = fields.filled("output", "empty_output"), fields.optional("system")
    earlier = _history(value.get("history"), place, fields.findings)
    messages = (*system_turn(system), *earlier, *turns_of_pair(prompt, output))
    known = "instruction" in value and "output" in value
    once = unused_keys(value, _KEYS, place, "alpaca", "Alpaca") if known else ()
    record = Conversation(messages, place.file, place.line)
    return row_of(place, record, fields.findings, once)


def with_input(instruction: str, given: str) -> str:
    """The user's turn: the instruction, and below a blank line what it is about."""
    return f"{instruction}\n\n{given}" if instruction and given else instruction or given


def unfold(value: dict[str, object], place: Place) -> Iterator[dict[str, object] | Finding]:
    """The examples under one instruction as rows of their own.

    Args:
        value: The object; it is its own only row unless it has `instances`.
        place: Where it stands.
    """
    instances = value.get("instances")
    if instances is None:
        yield value
        return
    shared = {key: held for key, held in value.items() if key != "instances"}
    if not isinstance(instances, list) or not instances:
        what = "an empty list" if instances == [] else kind_of(instances)
        yield _no_instance(f"instances is {what}", place)
        return
    for instance in instances:
        if isinstance(instance, dict):
            yield {**shared, **instance}
        else:
            yield _no_instance(f"an instance is {kind_of(instance)}", place)


def _no_instance(what: str, place: Place) -> Finding:
    return place.found(
        "alpaca.bad_instances",
        f'{what}; expected a list of objects with "input" and "output"',
        'Write "instances": [{"input": …, "output": …}], or "output" in the row itself.',
    )


def _history(value: object, place: Place, findings: list[Finding]) -> tuple[Message, ...]:
    """The earlier turns: a list of pairs of the user's text and the answer."""
    if value is None:
        return ()
    turns: list[Message] = []
    pairs = value if isinstance(value, list) else [value]
    for pair in pairs:
        if isinstance(pair, list) and [type(text) for text in pair] == [str, str]:
            turns += turns_of_pair(*pair)
            continue
        findings.append(
            place.found(
                "alpaca.bad_history",
                f"history holds {kind_of(pair)} that is no pair of texts; expected a list of "
                "[question, answer]",
                'Write "history": [["question", "answer"], …].',
            )
        )
    return tuple(turns)
