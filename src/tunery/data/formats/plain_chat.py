"""The short way for the usual chat row, which is most of a large file.

It takes only rows that the thorough way (`chat.read_row`) finds nothing to say about, and makes
the same record of them; a test compares the two.
"""

from __future__ import annotations

from tunery.data.conversation import Conversation, Message
from tunery.data.findings import Place
from tunery.data.formats.row import Row


def read_plain(value: dict[str, object], place: Place) -> Row | None:
    """The row if it is usual: texts only, a system prompt only first, the answer last.

    Args:
        value: The object.
        place: Where it stands.
    """
    entries = value.get("messages")
    # `type`, not isinstance: it is faster, and a subclass may take the thorough way.
    if len(value) != 1 or type(entries) is not list:
        return None
    messages = []
    before = ""
    for entry in entries:
        if type(entry) is not dict or len(entry) != 2:
            return None
        content = entry.get("content")
        if type(content) is not str:
            return None
        role = entry.get("role")
        if role == "user":
            pass
        elif role == "assistant":
            if not content or content.isspace():
                return None
        elif role != "system" or before not in ("", "system"):
            return None
        before = role
        messages.append(Message(role, content))
    if before != "assistant":
        return None
    return Row(place.line, Conversation(tuple(messages), place.file, place.line))
