"""A text or a list of messages: how TRL and others write a prompt or an answer."""

from __future__ import annotations

from tunery.data.conversation import Message, Role
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import nearest_key
from tunery.data.formats.fields import empty_text
from tunery.data.formats.message_list import read_list
from tunery.data.wording import kind_of


class TurnFields:
    """Reads keys that hold a text or a list of messages, and keeps what is wrong with them.

    Args:
        value: The row.
        place: Where it stands.
        group: First half of the codes of its findings.
        keys: The keys that the format has; a near miss is looked for among the others.
        empty: Second half of the code of an empty answer.
    """

    def __init__(
        self,
        value: dict[str, object],
        place: Place,
        group: str,
        keys: frozenset[str],
        empty: str = "empty_answer",
    ) -> None:
        self.value = value
        self.place = place
        self.group = group
        self.empty = empty
        self.findings: list[Finding] = []
        self.once: list[Finding] = []
        self._others = {key: held for key, held in value.items() if key not in keys}

    def prompt(self, key: str) -> tuple[Message, ...]:
        """The turns before the answer; an empty text is no turn."""
        return self._turns(key, "user")

    def answer(self, key: str) -> tuple[Message, ...]:
        """The turns of an answer, with one of the assistant's at least."""
        turns = self._turns(key, "assistant")
        held = self.value.get(key)
        if isinstance(held, str) and not held.strip():
            self.findings.append(empty_text(f"{self.group}.{self.empty}", f'"{key}"', self.place))
        elif turns and all(message.role != "assistant" for message in turns):
            self.findings.append(
                self.place.found(
                    f"{self.group}.no_assistant",
                    f'no turn of "{key}" is the assistant\'s; expected the answer',
                    'Give the answer the role "assistant".',
                )
            )
        return turns

    def _turns(self, key: str, role: Role) -> tuple[Message, ...]:
        held = self.value.get(key)
        if isinstance(held, str):
            return (Message(role, held),) if held else ()
        if isinstance(held, dict) and role == "assistant":
            held = [held]
        if isinstance(held, list) and (held or role == "user"):
            read = read_list(held, self.place, key)
            self.findings += read.findings
            self.once += read.once
            return read.messages
        self.findings.append(self._unusable(key, held))
        return ()

    def _unusable(self, key: str, held: object) -> Finding:
        expected = "expected a text or a list of messages"
        if key not in self.value:
            hint = nearest_key(key, self._others) or f'Add "{key}" to the row.'
            message = f'the row has no "{key}"; {expected}'
            return self.place.found(f"{self.group}.missing_key", message, hint)
        what = "an empty list" if held == [] else kind_of(held)
        hint = 'Put it in quotes if it is meant as text ("42").'
        if not isinstance(held, int | float):
            hint = 'Write a text, or [{"role": …, "content": …}].'
        return self.place.found(f"{self.group}.not_text", f'"{key}" is {what}; {expected}', hint)


def without_learning(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The turns as a prompt: what the assistant says in it is not learned, unless it says so."""
    return tuple(
        Message(m.role, m.content, 0.0, m.tool_calls, m.tool_call_id, m.name)
        if m.role == "assistant" and m.weight is None
        else m
        for m in messages
    )
