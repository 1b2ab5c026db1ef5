"""The calls of an assistant turn: OpenAI's `tool_calls`, or the older `function_call`."""

from __future__ import annotations

from tunery.data.conversation import ToolCall
from tunery.data.findings import Finding, Place
from tunery.data.formats.json_text import json_text
from tunery.data.wording import kind_of, quote

_FUNCTION_KEYS = ("name", "arguments")
_FRAME_KEYS = ("id", "type", "function")
_FLAT_KEYS = ("id", "type", "name", "arguments")


def read_calls(
    message: dict[str, object],
    number: int,
    where: str,
    place: Place,
    findings: list[Finding],
    once: list[Finding],
) -> tuple[ToolCall, ...]:
    """The calls that could be read, in order.

    A `function_call` has no id; it gets "call_" and the number of its message, so that the same
    row always gives the same record.

    Args:
        message: The message.
        number: Which one it is in its list, from 1.
        where: What a finding calls the message.
        place: Where the row stands.
        findings: Takes what is wrong.
        once: Takes what many rows share.
    """
    reader = _Calls(where, place, findings, once)
    calls = message.get("tool_calls")
    if calls is None:
        legacy = message.get("function_call")
        call = None if legacy is None else reader.function(legacy, f"call_{number}", "the call")
        return () if call is None else (call,)
    if not isinstance(calls, list):
        reader.wrong(
            "chat.tool_calls_not_list",
            f"the tool_calls of {where} are {kind_of(calls)}; expected a list of calls",
            'Write "tool_calls": [{"id": …, "type": "function", "function": {…}}].',
        )
        return ()
    read = (reader.call(call, f"call {n}") for n, call in enumerate(calls, start=1))
    return tuple(call for call in read if call is not None)


class _Calls:
    """Reads the calls of one message."""

    def __init__(
        self, where: str, place: Place, findings: list[Finding], once: list[Finding]
    ) -> None:
        self.where = where
        self.place = place
        self.findings = findings
        self.once = once

    def wrong(self, code: str, message: str, hint: str) -> None:
        self.findings.append(self.place.found(code, message, hint))

    def call(self, value: object, which: str) -> ToolCall | None:
        """One entry of `tool_calls`, with or without the frame around the function."""
        if not isinstance(value, dict):
            return self.function(value, "", which)
        given = value.get("id")
        if given is not None and not isinstance(given, str):
            self.wrong(
                "chat.id_not_text",
                f"the id of {which} of {self.where} is {kind_of(given)}; expected a text",
                "Put it in quotes.",
            )
            return None
        kind = value.get("type")
        if kind is not None and kind != "function":
            self.wrong(
                "chat.call_not_function",
                f"{which} of {self.where} is of another type than function; expected a function",
                "Leave the row out; only calls of functions can be learned.",
            )
            return None
        if "function" not in value:
            return self.function(value, given or "", which, _FLAT_KEYS)
        self._tell_unused(value, _FRAME_KEYS)
        return self.function(value["function"], given or "", which)

    def function(
        self, value: object, call_id: str, which: str, known: tuple[str, ...] = _FUNCTION_KEYS
    ) -> ToolCall | None:
        """The `function` of a call, or a `function_call`."""
        if not isinstance(value, dict):
            self.wrong(
                "chat.call_not_object",
                f"{which} of {self.where} is {kind_of(value)}; expected an object",
                'Write {"name": …, "arguments": "{…}"}.',
            )
            return None
        name = value.get("name")
        if not isinstance(name, str) or not name.strip():
            found = "no name" if name is None else "an empty name"
            if name is not None and not isinstance(name, str):
                found = f"the name {kind_of(name)}"
            self.wrong(
                "chat.call_without_name",
                f"{which} of {self.where} has {found}; expected the name of a tool",
                "Write the name of the tool that is called.",
            )
        arguments = self._arguments(value, which)
        self._tell_unused(value, known)
        if arguments is None or not isinstance(name, str):
            return None
        return ToolCall(name, arguments, call_id)

    def _arguments(self, value: dict[str, object], which: str) -> str | None:
        arguments = value.get("arguments")
        if isinstance(arguments, str):
            return arguments
        if isinstance(arguments, dict) and (text := json_text(arguments)) is not None:
            self.once.append(
                self.place.found(
                    "chat.arguments_object",
                    "the arguments of a call are an object; they are read as its JSON text",
                    "Nothing to do; OpenAI's format has a text here.",
                )
            )
            return text
        found = "missing" if "arguments" not in value else kind_of(arguments)
        if isinstance(arguments, dict):
            found = "an object with a number that JSON does not have"
        self.wrong(
            "chat.arguments_not_text",
            f"the arguments of {which} of {self.where} are {found}; expected the JSON text of an "
            "object",
            'Write "arguments": "{…}", or "{}" if the tool takes none.',
        )
        return None

    def _tell_unused(self, value: dict[str, object], known: tuple[str, ...]) -> None:
        for key, held in value.items():
            if key not in known and held is not None:
                self.once.append(unused_in_message(f"tool_calls.{key}", self.place))


def unused_in_message(key: str, place: Place) -> Finding:
    """The finding for a key of a message that no record holds."""
    return place.found(
        "chat.unknown_message_key",
        f"the message key {quote(key)} is not used",
        "Nothing to do if it holds notes; move what the model should see into content.",
    )
