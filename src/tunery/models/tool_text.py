"""Tools as plain text, for chat templates that have no notion of them, and the way back.

The form is that of Nous Research's Hermes models, which Qwen's templates write too: tools as JSON
in the system prompt, each call as JSON between `<tool_call>` tags in the assistant's text, each
result between `<tool_response>` tags in a user turn. Training, evaluation and serving all take it
from here. Ids of calls are not written: a result stands in the place of its call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from json import JSONDecoder
from typing import Any, cast

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.wording import quote
from tunery.errors import DataError
from tunery.models import exact_json

_SPACE = re.compile(r"\s*")

CALL, CALL_END = "<tool_call>", "</tool_call>"

INSTRUCTION = """\
You can call the tools below. Each line between the tags describes one of them in JSON.
<tools>
{tools}
</tools>
To call a tool, write its name and arguments as JSON between tags, once for each call:
<tool_call>
{{"name": "name of the tool", "arguments": {{"name of the argument": "value"}}}}
</tool_call>
What it returns comes between <tool_response> tags."""


def as_plain(conversation: Conversation, *, system: bool = True) -> Conversation:
    """The conversation in system, user and assistant turns of text alone.

    Assistant turns keep their number, order and weights. `parallel_tool_calls` is a rule for
    whoever generates and is not written.

    Args:
        conversation: With tools, calls and results.
        system: Whether the template takes a system turn; if not, the first user turn tells of the
            tools.

    Raises:
        DataError: Tools or arguments are no JSON that can be kept, or a text would be read as a
            call.
    """
    turns: list[Message] = []
    waiting: dict[str, int] = {}  # ids of the latest calls, in order
    results: list[Message] = []
    for message in conversation.messages:
        if message.role == "tool":
            results.append(message)
            continue
        turns.extend(_results_turn(results, waiting))
        results = []
        if message.role == "assistant":
            waiting = {}
            for number, call in enumerate(message.tool_calls):
                waiting.setdefault(call.id, number)
            message = replace(message, content=_answer(message, conversation), tool_calls=())
        turns.append(message)
    turns.extend(_results_turn(results, waiting))
    if conversation.tools:
        turns = _with_instruction(turns, _instruction_of(conversation), system=system)
    return replace(conversation, messages=tuple(turns), tools="")


def write_answer(content: str, calls: Sequence[ToolCall]) -> str:
    """An assistant's turn: its text, then its calls, with line breaks between.

    Raises:
        ValueError: Arguments are not the JSON of an object, or would change.
    """
    return "\n".join([*([content] if content or not calls else []), *map(_call, calls)])


@dataclass(frozen=True, slots=True)
class Reply:
    """What an assistant's text says.

    Attributes:
        content: The text around the calls.
        calls: The calls in order, without ids; arguments as `exact_json.write` writes them.
    """

    content: str
    calls: tuple[ToolCall, ...]


def read_answer(text: str) -> Reply:
    """The inverse of `write_answer`, for what a model wrote.

    What only looks like a call (broken JSON, no name, no end tag) stays in the content.
    """
    content: list[str] = []
    calls: list[ToolCall] = []
    done = at = 0
    while (at := text.find(CALL, at)) >= 0:
        found = _call_at(text, at)
        if found is None:
            at += len(CALL)
            continue
        before = text[done:at]
        # The line break before a call belongs to the form.
        content.append(before.removesuffix("\n"))
        calls.append(found[0])
        done = at = found[1]
    content.append(text[done:] if not calls or text[done:].strip() else "")
    return Reply("".join(content), tuple(calls))


def object_of(arguments: str) -> dict[str, Any]:
    """The value of a call's arguments.

    Raises:
        ValueError: They are not the JSON of an object, or would change; the message is a clause.
    """
    value = exact_json.read(arguments)
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def arguments_error(call: ToolCall, error: ValueError, conversation: Conversation) -> DataError:
    """The error for a call whose arguments cannot be written."""
    return DataError(
        f"{at_place(conversation)}the arguments of the call to {quote(call.name)} cannot be kept: "
        f"{error}; expected the JSON text of an object.",
        "Correct the arguments.",
    )


def at_place(conversation: Conversation) -> str:
    """The start of a message about a row: its file and line, if it has any."""
    return f"{conversation.place}: " if conversation.place else ""


@lru_cache(maxsize=64)
def read_tools(tools: str) -> list[dict[str, Any]]:
    """The tools of a conversation; the same list for the same text, not to be changed.

    Raises:
        ValueError: The text is not the JSON of a list of objects, or would change.
    """
    value = exact_json.read(tools)
    if not isinstance(value, list) or not all(isinstance(tool, dict) for tool in value):
        raise ValueError("it is not a list of objects")
    return value


def tools_error(error: ValueError, conversation: Conversation) -> DataError:
    """The error for tools that cannot be written."""
    return DataError(
        f"{at_place(conversation)}the tools cannot be kept: {error}; expected the JSON text of "
        "OpenAI's tools list.",
        "Correct the tools of the row.",
    )


def _instruction_of(conversation: Conversation) -> str:
    try:
        return _instruction(conversation.tools)
    except ValueError as error:
        raise tools_error(error, conversation) from error


@lru_cache(maxsize=64)
def _instruction(tools: str) -> str:
    return INSTRUCTION.format(
        tools="\n".join(exact_json.write(_short(tool)) for tool in read_tools(tools))
    )


def _short(tool: dict[str, Any]) -> object:
    """The function alone where the rest says nothing: each word costs tokens in every prompt."""
    is_function = tool.keys() == {"type", "function"} and tool["type"] == "function"
    return tool["function"] if is_function else tool


def _with_instruction(turns: list[Message], text: str, *, system: bool) -> list[Message]:
    first = turns[0] if turns else None
    if first is not None and first.role in ("system", "developer"):
        told = replace(first, content=f"{first.content}\n\n{text}" if first.content else text)
        return [told, *turns[1:]]
    if system:
        return [Message("system", text), *turns]
    if first is not None and first.role == "user":
        return [replace(first, content=f"{text}\n\n{first.content}"), *turns[1:]]
    return [Message("user", text), *turns]


def _results_turn(results: Sequence[Message], waiting: dict[str, int]) -> Iterator[Message]:
    """The results as one user turn, in the order of their calls; results of none come last."""
    if results:
        in_order = sorted(results, key=lambda turn: waiting.get(turn.tool_call_id, len(waiting)))
        texts = [f"<tool_response>\n{turn.content}\n</tool_response>" for turn in in_order]
        yield Message("user", "\n".join(texts))


def _answer(message: Message, conversation: Conversation) -> str:
    if CALL in message.content and (conversation.tools or message.tool_calls):
        raise DataError(
            f"{at_place(conversation)}the text of an assistant turn holds {CALL}, which would be "
            "read as a call.",
            'Write the call under "tool_calls", or change the text.',
        )
    for call in message.tool_calls:
        try:
            object_of(call.arguments)
        except ValueError as error:
            raise arguments_error(call, error, conversation) from error
    return write_answer(message.content, message.tool_calls)


def _call(call: ToolCall) -> str:
    value = {"name": call.name, "arguments": object_of(call.arguments)}
    return f"{CALL}\n{exact_json.write(value)}\n{CALL_END}"


def _call_at(text: str, at: int) -> tuple[ToolCall, int] | None:
    """The call whose tag stands at an index, and where it ends; None if it is not one."""
    start = _behind_space(text, at + len(CALL))
    try:
        _, stop = JSONDecoder().raw_decode(text, start)
        value = exact_json.read(text[start:stop])
    except (ValueError, RecursionError):
        return None
    end = _behind_space(text, stop)
    if not text.startswith(CALL_END, end) or not isinstance(value, dict):
        return None
    name, arguments = value.get("name"), value.get("arguments", {})
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return ToolCall(name, exact_json.write(arguments)), end + len(CALL_END)


def _behind_space(text: str, at: int) -> int:
    return cast(re.Match[str], _SPACE.match(text, at)).end()
