"""Requests that tools answer, with the calls; arguments obey the tools' own JSON schemas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tunery.data.generate.asks import Ask
from tunery.data.generate.candidate import Candidate
from tunery.data.generate.tasks.task import (
    NO_REFERENCE_RULE,
    chat_row,
    misshapen,
    request,
    rows_schema,
    texts,
)
from tunery.data.generate.teacher import ChatMessages
from tunery.data.wording import kind_of, quote

MOST_CALLS = 16
"""Calls of one row; more are a mistake."""


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Rows in which the assistant calls tools. Tools are asked for in turn.

    Attributes:
        tools: OpenAI's `tools` list.
        targets: The tools' names.
        system: System prompt of the rows; empty for none.
    """

    tools: Sequence[dict[str, object]]
    targets: Sequence[str]
    system: str = ""
    name: str = "tool-calls"

    def messages(self, ask: Ask) -> ChatMessages:
        """As `Task` has it."""
        rules = [
            "You write requests to an assistant that has tools, and the calls that it makes.",
            f"The tools are: {json.dumps(self.tools, ensure_ascii=False)}.",
            'A "request" is what a person would write, with all that the call needs and in words '
            "of its own, never in those of the schema.",
            '"calls" are the calls that fulfil it, in order, mostly one; "arguments" is the JSON '
            "text of an object that obeys the tool's parameters, and holds nothing that the "
            "request does not say.",
            NO_REFERENCE_RULE,
        ]
        matter = " on matters of the passage" if ask.passage is not None else ""
        wanted = f"Write {ask.count} requests{matter} that need the tool {quote(ask.target)}."
        return request(rules, ask, wanted)

    def schema(self, _ask: Ask) -> dict[str, object]:
        """As `Task` has it: arguments are a text, as a strict schema has no free objects."""
        call: dict[str, object] = {
            "type": "object",
            "properties": {
                "name": {"type": "string", "enum": list(self.targets)},
                "arguments": {"type": "string"},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        return rows_schema(
            {"request": {"type": "string"}, "calls": {"type": "array", "items": call}}
        )

    def candidate(self, given: dict[str, object], _ask: Ask) -> Candidate:
        """As `Task` has it. Names and arguments are judged with the whole row, by its check."""
        found = texts(given, "request")
        if isinstance(found, str):
            return misshapen(given, found)
        calls = given.get("calls")
        if not isinstance(calls, list) or not 1 <= len(calls) <= MOST_CALLS:
            many = f"{len(calls)} calls" if isinstance(calls, list) else kind_of(calls)
            return misshapen(given, f'"calls" is {many}; expected a list of 1 to {MOST_CALLS}')
        made: list[dict[str, object]] = []
        for number, call in enumerate(calls, start=1):
            if not isinstance(call, dict) or not isinstance(call.get("name"), str):
                return misshapen(given, f"call {number} has no name; expected one")
            made.append(_call(call, number))
        row = chat_row(self.system, found[0], {"content": None, "tool_calls": made})
        row |= {"tools": list(self.tools), "parallel_tool_calls": len(made) > 1}
        names = ", ".join(str(call["name"]) for call in calls)
        shown = json.dumps([call["function"] for call in made], ensure_ascii=False)
        return Candidate(given, row, found[0], shown, about={"tool": names})

    def about(self) -> dict[str, object]:
        """As `Task` has it."""
        text = json.dumps(self.tools, sort_keys=True)
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return {"task": self.name, "system": self.system, "tools": digest}


def _call(call: dict[str, object], number: int) -> dict[str, object]:
    arguments = call.get("arguments")
    if not isinstance(arguments, str):  # teachers without a strict schema write the object itself
        arguments = json.dumps({} if arguments is None else arguments, ensure_ascii=False)
    function = {"name": call["name"], "arguments": arguments}
    return {"id": f"call_{number}", "type": "function", "function": function}
