"""A list of messages, wherever in a row it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tunery.data.conversation import Message
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import Turn, read_message


@dataclass(frozen=True, slots=True)
class Turns:
    """What could be read of a list of messages.

    Attributes:
        roles: The role of each message as it stands in the row; None where it is unusable.
        messages: Those that could be read.
        findings: What is wrong.
        once: What many rows share.
    """

    roles: tuple[str | None, ...]
    messages: tuple[Message, ...]
    findings: tuple[Finding, ...] = ()
    once: tuple[Finding, ...] = ()


def read_list(entries: list[object], place: Place, inside: str = "") -> Turns:
    """Reads every message.

    Args:
        entries: The list.
        place: Where its row stands.
        inside: Key of the list; empty for `messages`.
    """
    turns = [read_message(entry, n, place, inside) for n, entry in enumerate(entries, start=1)]
    findings = tuple(finding for turn in turns for finding in turn.findings)
    once = tuple(dict.fromkeys(finding for turn in turns for finding in turn.once))
    return Turns(tuple(turn.role for turn in turns), _linked(turns), findings, once)


def _linked(turns: Iterable[Turn]) -> tuple[Message, ...]:
    """The messages, where a result of the older kind names the call before it."""
    last_call, messages = "", []
    for turn in turns:
        if (message := turn.message) is None:
            continue
        if message.tool_calls:
            last_call = message.tool_calls[-1].id
        if turn.role == "function":
            message = replace(message, tool_call_id=last_call)
        messages.append(message)
    return tuple(messages)
