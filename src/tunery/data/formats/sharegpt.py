"""ShareGPT: `conversations`, a list of turns with `from` and `value`; also `system` and `tools`.

A call is a turn `function_call` whose value is the JSON of one call or of a list of calls, its
result a turn `observation`. ShareGPT has no ids: a call gets "call_" and the number of its turn,
and results answer the open calls in order. `id`, `tool_call_id`, `name`, `weight` and
`parallel_tool_calls` are read where a row has them, though ShareGPT does not ask for them.
"""

from __future__ import annotations

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import ROLE_OF_OTHERS, nearest_key
from tunery.data.formats.fields import TextFields
from tunery.data.formats.json_text import json_text, parsed
from tunery.data.formats.message_list import Turns, read_list
from tunery.data.formats.order import order_findings
from tunery.data.formats.pair import system_turn
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.tool_list import read_parallel, read_tools, tool_keys
from tunery.data.formats.unused import unused_keys
from tunery.data.wording import kind_of

CALLS = ("function_call", "tool_call")


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a ShareGPT file.

    Args:
        value: The object.
        place: Where it stands.
    """
    texts = TextFields(value, place, "sharegpt", ("conversations", "system"))
    system = system_turn(texts.optional("system"))
    findings: list[Finding] = texts.findings
    turns = _turns(value, place, findings)
    findings += turns.findings
    tools = read_tools(value, place, findings)
    parallel = read_parallel(value, place, findings)
    findings += order_findings(turns, place)
    once = list(turns.once)
    if "conversations" in value:
        known = ("conversations", "system", *tool_keys(value))
        once += unused_keys(value, known, place, "sharegpt", "ShareGPT")
    messages = (*system, *turns.messages)
    record = Conversation(messages, place.file, place.line, tools, parallel)
    return row_of(place, record, findings, once)


def _turns(value: dict[str, object], place: Place, findings: list[Finding]) -> Turns:
    entries = value.get("conversations")
    if isinstance(entries, list) and entries:
        as_chat = _AsChat(place, findings)
        return read_list([as_chat.entry(e, n) for n, e in enumerate(entries, start=1)], place)
    found = "the row has no conversations"
    if "conversations" in value:
        found = f"conversations is {'an empty list' if entries == [] else kind_of(entries)}"
    findings.append(
        place.found(
            "sharegpt.no_turns",
            f"{found}; expected a list of turns",
            nearest_key("conversations", value)
            or 'Write "conversations": [{"from": "human", "value": …}, …].',
        )
    )
    return Turns((), ())


class _AsChat:
    """Writes the turns of one row as messages, with ids for calls and results."""

    def __init__(self, place: Place, findings: list[Finding]) -> None:
        self.place = place
        self.findings = findings
        self.open: list[str] = []  # calls without a result so far

    def entry(self, entry: object, number: int) -> object:
        """One turn as a message; what is no turn stays as it is, for the reader to refuse."""
        if not isinstance(entry, dict):
            return entry
        rest = {key: held for key, held in entry.items() if key not in ("from", "value")}
        speaker = rest.pop("role", None) if "from" not in entry else entry["from"]
        said = rest.pop("content", None) if "value" not in entry else entry["value"]
        if isinstance(speaker, str) and speaker in CALLS:
            return {**rest, "role": "assistant", "tool_calls": self._calls(said, number)}
        role = ROLE_OF_OTHERS.get(speaker, speaker) if isinstance(speaker, str) else speaker
        message = {**rest, "role": role, "content": said}
        if role == "tool":
            answered = self.open.pop(0) if self.open else ""
            message.setdefault("tool_call_id", answered)
        elif isinstance(rest.get("tool_calls"), list):  # the OpenAI way under ShareGPT's key
            self.open = [str(c.get("id") or "") for c in rest["tool_calls"] if isinstance(c, dict)]
        return message

    def _calls(self, said: object, number: int) -> list[object]:
        value = parsed(said) if isinstance(said, str) else said
        calls = value if isinstance(value, list) else [value]
        if not calls or not all(isinstance(call, dict) for call in calls):
            self.findings.append(
                self.place.found(
                    "sharegpt.bad_call",
                    f"the function_call of message {number} is no JSON object; expected one with "
                    "name and arguments",
                    'Write the value as "{\\"name\\": …, \\"arguments\\": {…}}".',
                )
            )
            return []
        return [
            self._call(call, number, n) for n, call in enumerate(calls) if isinstance(call, dict)
        ]

    def _call(self, call: dict[str, object], number: int, which: int) -> dict[str, object]:
        """One call, its arguments as text, which is how the reader of messages wants them."""
        arguments = call.get("arguments")
        text = json_text(arguments) if isinstance(arguments, dict) else None
        held = {**call, "id": call.get("id", made_up_id(number, which))}
        self.open.append(str(held["id"]))
        return held if text is None else {**held, "arguments": text}


def made_up_id(number: int, which: int) -> str:
    """The id of a call that has none.

    Args:
        number: Number of its turn among `conversations`, from 1.
        which: Its number in that turn, from 0.
    """
    return f"call_{number}_{which}" if which else f"call_{number}"
