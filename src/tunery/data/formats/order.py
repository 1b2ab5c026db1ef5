"""What shows only when the turns of a conversation are seen together."""

from __future__ import annotations

from collections.abc import Iterator

from tunery.data.findings import Finding, Place
from tunery.data.formats.message_list import Turns

_PROMPTS = ("system", "developer")


def order_findings(turns: Turns, place: Place) -> Iterator[Finding]:
    """What is wrong or odd in the order of the roles; nothing while a role is unknown.

    Args:
        turns: The turns of the whole row.
        place: Where it stands.
    """
    roles = turns.roles
    if not roles or None in roles:
        return
    if "assistant" not in roles:
        yield place.found(
            "chat.no_assistant",
            "no turn is the assistant's; expected at least one to learn",
            "Add the answer as an assistant turn, or remove the row.",
        )
        return
    after = len(roles) - roles[::-1].index("assistant")
    if after < len(roles):
        yield place.found(
            "chat.assistant_not_last",
            f"the row ends with {len(roles) - after} turn(s) after the last assistant turn; "
            "nothing is learned from them",
            "Add the answer that follows, or remove these turns.",
        )
    late = [n for n, r in enumerate(roles) if r in _PROMPTS and n and roles[n - 1] not in _PROMPTS]
    if late:
        yield place.found(
            "chat.system_not_first",
            f"message {late[0] + 1} is a system prompt after other turns; expected it first",
            "Move it to the front; many chat templates refuse or misplace it here.",
        )
    answers = [message for message in turns.messages if message.role == "assistant"]
    whole = len(answers) == roles.count("assistant")
    if whole and all(message.weight == 0 for message in answers):
        yield place.found(
            "chat.nothing_learned",
            "every assistant turn has weight 0; nothing is learned from the row",
            "Give the turn to learn weight 1, or remove the row.",
        )
