"""A better answer (`chosen`) and a worse one (`rejected`), as TRL and others write them.

With or without a `prompt`, as texts or lists of messages; or with an Alpaca `instruction` in place
of the prompt. Where the answers repeat the prompt, what they share is the prompt.

Two texts without a prompt stay whole: the beginning that they share has the same probability on
both sides and drops out of the loss, while a cut in the middle of a sentence would be no turn.
"""

from __future__ import annotations

from tunery.data.conversation import Message
from tunery.data.findings import Place
from tunery.data.formats.alpaca import with_input
from tunery.data.formats.answer import TurnFields
from tunery.data.formats.fields import TextFields
from tunery.data.formats.pair import system_turn, turns_of_pair
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.tool_list import TOOL_KEYS, read_parallel, read_tools, tool_keys
from tunery.data.formats.unused import unused_keys
from tunery.data.records import Preference

_ANSWERS = ("chosen", "rejected")
_KEYS = frozenset({"prompt", "system", *_ANSWERS, *TOOL_KEYS})
_ALPACA_KEYS = frozenset({"instruction", "input", "output", "system", *_ANSWERS})

Turns = tuple[Message, ...]


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row with `chosen`, `rejected` and perhaps `prompt`.

    Args:
        value: The object.
        place: Where it stands.
    """
    fields = TurnFields(value, place, "preference", _KEYS)
    chosen, rejected = fields.answer("chosen"), fields.answer("rejected")
    texts = TextFields(value, place, "preference", tuple(_KEYS))
    system = system_turn(texts.optional("system"))
    given = fields.prompt("prompt") if value.get("prompt") is not None else ()
    prompt, chosen, rejected = _without_prompt(given, chosen, rejected)
    findings = [*fields.findings, *texts.findings]
    tools = read_tools(value, place, findings)
    parallel = read_parallel(value, place, findings)
    known = {"prompt", "system", *_ANSWERS, *tool_keys(value)}
    once = [*fields.once, *unused_keys(value, known, place, "preference", "preference")]
    record = Preference(
        (*system, *prompt), chosen, rejected, place.file, place.line, tools, parallel
    )
    return row_of(place, record, findings, once)


def read_instruction(value: dict[str, object], place: Place) -> Row:
    """One row with an Alpaca `instruction` in place of the prompt.

    Args:
        value: The object.
        place: Where it stands.
    """
    fields = TurnFields(value, place, "preference", _ALPACA_KEYS)
    texts = TextFields(value, place, "preference", tuple(_ALPACA_KEYS))
    instruction, given = texts.needed("instruction"), texts.optional("input")
    prompt = turns_of_pair(with_input(instruction, given), "", texts.optional("system"))[:-1]
    prompt, chosen, rejected = _without_prompt(
        prompt, fields.answer("chosen"), fields.answer("rejected")
    )
    known = _ALPACA_KEYS
    if value.get("output") not in (None, "", value.get("chosen")):
        known = _ALPACA_KEYS - {"output"}  # a third answer, which no record holds
    once = [*fields.once, *unused_keys(value, known, place, "preference", "preference")]
    record = Preference(prompt, chosen, rejected, place.file, place.line)
    return row_of(place, record, [*texts.findings, *fields.findings], once)


def _without_prompt(given: Turns, chosen: Turns, rejected: Turns) -> tuple[Turns, Turns, Turns]:
    """The prompt, and both answers without it.

    Args:
        given: The prompt as the row gives it; empty if it does not.
        chosen: The better answer, which may begin with the prompt.
        rejected: The worse one.
    """
    shared = _shared(chosen, rejected)
    if not given:
        return chosen[:shared], chosen[shared:], rejected[shared:]
    for end in range(len(given), shared + 1):
        if chosen[end - len(given) : end] == given:
            return chosen[:end], chosen[end:], rejected[end:]
    return given, chosen, rejected


def _shared(chosen: Turns, rejected: Turns) -> int:
    """Turns that both begin with; each keeps one at least, though they be equal."""
    most = min(len(chosen), len(rejected)) - 1
    return next((n for n in range(most) if chosen[n] != rejected[n]), max(most, 0))
