"""OpenAI's chat format: a `messages` list in each row, and perhaps `tools`."""

from __future__ import annotations

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.formats.chat_message import nearest_key
from tunery.data.formats.message_list import Turns, read_list
from tunery.data.formats.order import order_findings
from tunery.data.formats.plain_chat import read_plain
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.tool_list import read_parallel, read_tools, tool_keys
from tunery.data.formats.unused import unused_keys
from tunery.data.wording import kind_of


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a chat file.

    Args:
        value: The object.
        place: Where it stands.
    """
    return read_plain(value, place) or read_thoroughly(value, place)


def read_thoroughly(value: dict[str, object], place: Place) -> Row:
    """As `read_row`, for rows of any kind; it says everything that is wrong.

    Args:
        value: The object.
        place: Where it stands.
    """
    turns = messages_of(value, place)
    findings = list(turns.findings)
    tools = read_tools(value, place, findings)
    parallel = read_parallel(value, place, findings)
    findings += order_findings(turns, place)
    once = list(turns.once)
    if "messages" in value:  # else the finding about the missing key names the nearest one
        once += unused_keys(value, ("messages", *tool_keys(value)), place, "chat", "chat")
    record = Conversation(turns.messages, place.file, place.line, tools, parallel)
    return row_of(place, record, findings, once)


def messages_of(value: dict[str, object], place: Place) -> Turns:
    """The entries of `messages`, or what is wrong with the list.

    Args:
        value: The row.
        place: Where it stands.
    """
    messages = value.get("messages")
    if isinstance(messages, list) and messages:
        return read_list(messages, place)
    return Turns((), (), (_without_list(value, messages, place),))


def _without_list(value: dict[str, object], messages: object, place: Place) -> Finding:
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
    return place.found(code, f"{what}; {expected}", hint)


def _without_messages(value: dict[str, object]) -> str:
    if "completion" in value or "prompt" in value:
        return "This is a prompt/completion row; put such rows in a file of their own."
    return nearest_key("messages", value) or 'Add "messages" with the turns of the conversation.'
