"""The turns of a conversation as a chat template reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunery.data.conversation import Conversation, Message, ToolCall
from tunery.data.wording import quote
from tunery.errors import DataError
from tunery.models import exact_json, tool_text
from tunery.models.control_tokens import strings_in
from tunery.models.tool_style import SHORT_ID, ToolStyle


@dataclass(frozen=True, slots=True)
class TemplateTurns:
    """What a template is given.

    Attributes:
        messages: The turns that are rendered, one a mapping.
        turns: The mappings.
        tools: OpenAI's list; None if there are none. It may be shared: not to be changed.
    """

    messages: tuple[Message, ...]
    turns: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None

    def first(self, count: int | None) -> TemplateTurns:
        """The same with the first turns alone; all for None."""
        return TemplateTurns(self.messages[:count], self.turns[:count], self.tools)

    def texts(self) -> Iterator[str]:
        """All texts in turns and tools, names of keys too."""
        yield from strings_in(self.turns)
        yield from strings_in(self.tools)


def uses_tools(conversation: Conversation) -> bool:
    """Whether the conversation has tools, calls or results."""
    return bool(conversation.tools) or any(
        message.tool_calls or message.role == "tool" for message in conversation.messages
    )


def plain_turns(conversation: Conversation) -> TemplateTurns:
    """The turns of a conversation without tools."""
    messages = conversation.messages
    return TemplateTurns(messages, [_spoken(message) for message in messages])


def tool_turns(conversation: Conversation, style: ToolStyle) -> TemplateTurns:
    """The turns of a conversation with tools.

    Raises:
        DataError: Tools or arguments are no JSON that can be kept, or the template has no form
            for what the turns hold.
    """
    if not style.native:
        return plain_turns(tool_text.as_plain(conversation, system=style.system))
    ids = _Ids(renamed=style.short_ids)
    turns = []
    for message in conversation.messages:
        turn = _spoken(message)
        if len(message.tool_calls) > 1 and not style.several:
            raise DataError(
                f"{tool_text.at_place(conversation)}a turn calls {len(message.tool_calls)} tools; "
                "the model's chat template writes one call a turn.",
                "Spread the calls over several turns, or choose another base model.",
            )
        if message.tool_calls:
            turn["tool_calls"] = [
                _call(call, ids.of_call(call.id), conversation, style)
                for call in message.tool_calls
            ]
        if message.role == "tool" and (answered := ids.of_result(message.tool_call_id)):
            turn["tool_call_id"] = answered
        turns.append(turn)
    try:
        tools = tool_text.read_tools(conversation.tools) if conversation.tools else None
    except ValueError as error:
        raise tool_text.tools_error(error, conversation) from error
    return TemplateTurns(conversation.messages, turns, tools)


def refuse_what_is_lost(
    text: str, given: TemplateTurns, answers: Mapping[int, str], conversation: Conversation
) -> None:
    """Raises if a template leaves out something that the row says with tools.

    Args:
        text: All that was rendered.
        given: What the template was given.
        answers: The rendered text of assistant turns, by their index; where one is missing, it is
            looked for in all of the text.
        conversation: For the message.

    Raises:
        DataError: The template leaves out a tool, a call or the text beside a call.
    """
    lost = [
        f"the tool {quote(name)}"
        for tool in given.tools or ()
        if isinstance(name := tool.get("function", tool).get("name"), str) and name not in text
    ]
    for index, turn in enumerate(given.turns):
        if "tool_calls" not in turn:
            continue
        answer = answers.get(index, text)
        names = [call["function"]["name"] for call in turn["tool_calls"]]
        lost += [
            f"the call to {quote(name)}"
            for name in dict.fromkeys(names)
            if answer.count(name) < names.count(name)
        ]
        if turn["content"].strip() not in answer:
            lost.append(f"the text beside a call, {quote(turn['content'].strip())}")
    if lost:
        raise DataError(
            f"{tool_text.at_place(conversation)}the model's chat template leaves out {lost[0]}.",
            "Change the row so that the template has a form for it, or choose another base model.",
        )


class _Ids:
    """Ids of calls, as given or renamed in order."""

    def __init__(self, *, renamed: bool) -> None:
        self._renamed = renamed
        self._given = 0
        self._waiting: list[tuple[str, str]] = []  # id in the row, id in the template

    def of_call(self, id_: str) -> str:
        shown = SHORT_ID.format(self._given) if self._renamed else id_
        self._given += 1
        self._waiting.append((id_, shown))
        return shown

    def of_result(self, id_: str) -> str:
        """The id of the call that a result answers: the first that waits, if it names none."""
        for index, (given, shown) in enumerate(self._waiting):
            if given == id_ or not id_:
                del self._waiting[index]
                return shown
        return SHORT_ID.format(0) if self._renamed else id_


def _spoken(message: Message) -> dict[str, Any]:
    # "developer" is the newer name of "system"; templates know the older one.
    role = "system" if message.role == "developer" else message.role
    turn = {"role": role, "content": message.content}
    return turn | {"name": message.name} if message.name else turn


def _call(call: ToolCall, id_: str, conversation: Conversation, style: ToolStyle) -> dict[str, Any]:
    try:
        value = tool_text.object_of(call.arguments)
    except ValueError as error:
        raise tool_text.arguments_error(call, error, conversation) from error
    arguments = value if style.arguments == "object" else exact_json.write(value)
    called = {"type": "function", "function": {"name": call.name, "arguments": arguments}}
    return {"id": id_, **called} if id_ else called
