"""One message of OpenAI's chat format."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from tunery.data.conversation import Message, Role
from tunery.data.findings import Finding, Place
from tunery.data.wording import kind_of, nearest, quote

ROLES: tuple[Role, ...] = ("system", "developer", "user", "assistant")
TOOL_ROLES = ("tool", "function")
TOOL_KEYS = ("tool_calls", "function_call", "tool_call_id")
_KNOWN_KEYS = frozenset({"role", "content", "weight", *TOOL_KEYS})

# What other programs write for OpenAI's roles.
_ROLE_OF_OTHERS = {
    "ai": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "human": "user",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What could be read of one message.

    Attributes:
        role: Its role, None if that is unusable.
        message: The message, None if its content is unusable or it belongs to a tool.
        findings: What is wrong with it.
        tools: What in it belongs to tools or functions.
        unused_keys: Its keys that the format does not have.
    """

    role: str | None
    message: Message | None = None
    findings: tuple[Finding, ...] = ()
    tools: tuple[str, ...] = ()
    unused_keys: tuple[str, ...] = ()


def read_message(value: object, number: int, place: Place) -> Turn:
    """One entry of `messages`.

    Args:
        value: The entry.
        number: Which one it is, from 1.
        place: Where its row stands.
    """
    if not isinstance(value, dict):
        found = place.found(
            "chat.message_not_object",
            f"message {number} is {kind_of(value)}; expected an object with role and content",
            'Write it as {"role": "user", "content": "…"}.',
        )
        return Turn(None, findings=(found,))
    role, findings = _role(value, number, place)
    tools = tuple(key for key in TOOL_KEYS if value.get(key))
    if role in TOOL_ROLES:
        tools = (f"role {role}", *tools)
    unused = tuple(k for k, v in value.items() if k not in _KNOWN_KEYS and v is not None)
    weight = _weight(value.get("weight"), role, number, place, findings)
    content = None if tools else _content(value, number, place, findings)
    if role == "assistant" and content is not None and not content.strip() and weight != 0:
        findings.append(
            place.found(
                "chat.empty_assistant",
                f"message {number} is an empty assistant turn; expected an answer to learn",
                'Write the answer, or leave the turn out of training with "weight": 0.',
            )
        )
    message = None
    if role in ROLES and content is not None:
        message = Message(role, content, weight)
    return Turn(role, message, tuple(findings), tools, unused)


def _role(value: dict[str, object], number: int, place: Place) -> tuple[str | None, list[Finding]]:
    if "role" not in value:
        near = nearest_key("role", value)
        found = place.found(
            "chat.missing_role",
            f"message {number} has no role; expected one of {', '.join(ROLES)}",
            near or 'Add "role" to the message.',
        )
        return None, [found]
    role = value["role"]
    if isinstance(role, str) and (role in ROLES or role in TOOL_ROLES):
        return role, []
    if isinstance(role, str):
        meant = _ROLE_OF_OTHERS.get(role.strip().lower()) or nearest(role, ROLES)
        shown = quote(role)
    else:
        meant, shown = None, kind_of(role)
    found = place.found(
        "chat.unknown_role",
        f"the role of message {number} is {shown}; expected one of {', '.join(ROLES)}",
        f'Did you mean "{meant}"?' if meant else "Give the turn one of these roles.",
    )
    return None, [found]


def nearest_key(wanted: str, value: dict[str, object]) -> str | None:
    """A hint if the object has a key much like the wanted one; None if not."""
    near = nearest(wanted, value)
    return f'Rename the key {quote(near)} to "{wanted}".' if near is not None else None


def _weight(
    weight: object, role: str | None, number: int, place: Place, findings: list[Finding]
) -> float | None:
    """The weight as a number; None, and a finding, if it is neither 0 nor 1."""
    if weight is None:
        return None
    if role is not None and role != "assistant":
        findings.append(
            place.found(
                "chat.weight_unused",
                f"message {number} has a weight, but its role is {role}; only assistant turns "
                "are learned",
                "Remove the weight.",
            )
        )
        return None
    # math.isnan and bool: JSON parsers let NaN through, and True equals 1 in Python.
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if is_number and weight in (0, 1) and not math.isnan(cast(float, weight)):
        return float(cast(float, weight))
    shown = quote(weight) if isinstance(weight, str) else kind_of(weight)
    findings.append(
        place.found(
            "chat.invalid_weight",
            f"the weight of message {number} is {shown}; expected the number 0 or 1",
            "Write 1 to learn the turn, 0 to leave it out.",
        )
    )
    return None


def _content(
    value: dict[str, object], number: int, place: Place, findings: list[Finding]
) -> str | None:
    """The text of the message; None, and a finding, if there is none."""
    content = value.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return _joined_parts(content, number, place, findings)
    if "content" not in value:
        code, what = "chat.missing_content", f"message {number} has no content"
        hint = nearest_key("content", value) or 'Add "content" with the text of the turn.'
    elif content is None:
        code, what = "chat.content_null", f"the content of message {number} is null"
        hint = 'Write the text of the turn, or "" if it is empty.'
    else:
        code, what = "chat.content_not_text", f"the content of message {number} is "
        what += kind_of(content)
        hint = 'Put it in quotes if it is meant as text ("42").'
    findings.append(place.found(code, f"{what}; expected a text", hint))
    return None


def _joined_parts(
    parts: list[object], number: int, place: Place, findings: list[Finding]
) -> str | None:
    """The text parts one after the other, as OpenAI reads them."""
    texts: list[str] = []
    others: list[str] = []
    for part in parts:
        if isinstance(part, dict) and part.get("type") == "text":
            text = part.get("text")
            if isinstance(text, str):
                texts.append(text)
            else:
                others.append(f"a text part whose text is {kind_of(text)}")
        elif isinstance(part, dict):
            kind = part.get("type")
            others.append(f"type {quote(kind)}" if isinstance(kind, str) else "no type")
        else:
            others.append(kind_of(part))
    if not others:
        return "".join(texts)
    findings.append(
        place.found(
            "chat.part_not_supported",
            f"the content of message {number} has parts other than text "
            f"({', '.join(dict.fromkeys(others))}); expected only "
            '{"type": "text", "text": "…"}',
            "Leave the row out, or replace the part by text; only text can be learned.",
        )
    )
    return None
