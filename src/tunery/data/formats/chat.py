"""OpenAI's chat format: a `messages` list in each row."""

from __future__ import annotations

from collections.abc import Sequence

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import Turn, nearest_key, read_message
from tunery.data.formats.row import Row, row_of
from tunery.data.wording import kind_of, quote

_TOOL_KEYS = ("tools", "functions", "function_call")
# `parallel_tool_calls` says nothing in a row that has no tools.
_KNOWN_KEYS = frozenset({"messages", "parallel_tool_calls", *_TOOL_KEYS})


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a chat file.

    Args:
        value: The object.
        place: Where it stands.
    """
    turns, findings = _turns(value, place)
    for turn in turns:
        findings.extend(turn.findings)
    tools = [key for key in _TOOL_KEYS if value.get(key)]
    tools += [name for turn in turns for name in turn.tools]
    if tools:
        findings.append(
            place.found(
                "chat.tools_not_supported",
                f"the row uses {', '.join(dict.fromkeys(tools))}; this version trains text "
                "turns only",
                "Remove the row; rows with tool or function calls are not supported yet.",
            )
        )
    findings += _whole_conversation(turns, place)
    messages = tuple(turn.message for turn in turns if turn.message is not None)
    return row_of(
        place,
        Conversation(messages, place.file, place.line),
        findings,
        _unused_keys(value, turns, place),
    )


def _turns(value: dict[str, object], place: Place) -> tuple[list[Turn], list[Finding]]:
    """The entries of `messages`, or what is wrong with the list."""
    messages = value.get("messages")
    if isinstance(messages, list) and messages:
        turns = [read_message(entry, n, place) for n, entry in enumerate(messages, start=1)]
        return turns, []
    expected = "expected a list of messages"
    if "messages" not in value:
        code, what = "chat.missing_messages", "the row has no messages"
        hint = _without_messages(value)
    elif isinstance(messages, str):
        code, what = "chat.messages_is_text", "messages is a text"
        hint = "It was turned into JSON twice; parse the text with json.loads before writing."
    elif isinstance(messages, list):
        code, what, hint = "chat.no_messages", "messages is an empty list", "Remove the row."
    else:
        code, what = "chat.messages_not_list", f"messages is {kind_of(messages)}"
        hint = 'Write "messages": [{"role": …, "content": …}, …].'
    return [], [place.found(code, f"{what}; {expected}", hint)]


def _without_messages(value: dict[str, object]) -> str:
    if "completion" in value or "prompt" in value:
        return "This is a prompt/completion row; put such rows in a file of their own."
    return nearest_key("messages", value) or 'Add "messages" with the turns of the conversation.'


def _whole_conversation(turns: Sequence[Turn], place: Place) -> list[Finding]:
    """What shows only when the turns are seen together; nothing while a role is unknown."""
    roles = [turn.role for turn in turns]
    if not roles or None in roles:
        return []
    if "assistant" not in roles:
        return [
            place.found(
                "chat.no_assistant",
                "no turn is the assistant's; expected at least one to learn",
                "Add the answer as an assistant turn, or remove the row.",
            )
        ]
    findings = []
    after = len(roles) - roles[::-1].index("assistant")
    if after < len(roles):
        findings.append(
            place.found(
                "chat.assistant_not_last",
                f"the row ends with {len(roles) - after} turn(s) after the last assistant turn; "
                "nothing is learned from them",
                "Add the answer that follows, or remove these turns.",
            )
        )
    prompts = ("system", "developer")
    late = [n for n in range(1, len(roles)) if roles[n] in prompts and roles[n - 1] not in prompts]
    if late:
        findings.append(
            place.found(
                "chat.system_not_first",
                f"message {late[0] + 1} is a system prompt after other turns; expected it first",
                "Move it to the front; many chat templates refuse or misplace it here.",
            )
        )
    answers = [turn.message for turn in turns if turn.role == "assistant"]
    if all(message is not None and message.weight == 0 for message in answers):
        findings.append(
            place.found(
                "chat.nothing_learned",
                "every assistant turn has weight 0; nothing is learned from the row",
                "Give the turn to learn weight 1, or remove the row.",
            )
        )
    return findings


def _unused_keys(
    value: dict[str, object], turns: Sequence[Turn], place: Place
) -> tuple[Finding, ...]:
    if "messages" not in value:
        return ()  # the finding about the missing key names the nearest one
    of_row = [
        place.found(
            "chat.unknown_key",
            f"the key {quote(key)} is not part of the chat format and is not used",
            "Nothing to do if it holds notes; check the spelling if not.",
        )
        for key in value
        if key not in _KNOWN_KEYS and value[key] is not None
    ]
    of_messages = [
        place.found(
            "chat.unknown_message_key",
            f"the message key {quote(key)} is not used; only role, content and weight are",
            "Nothing to do if it holds notes; move what the model should see into content.",
        )
        for key in dict.fromkeys(key for turn in turns for key in turn.unused_keys)
    ]
    return (*of_row, *of_messages)
