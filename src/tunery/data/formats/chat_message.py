"""One message of OpenAI's chat format."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from tunery.data.conversation import Message, Role
from tunery.data.findings import Finding, Place
from tunery.data.formats.tool_call import read_calls, unused_in_message
from tunery.data.wording import kind_of, nearest, quote

ROLES: tuple[Role, ...] = ("system", "developer", "user", "assistant", "tool")
_KNOWN_KEYS = frozenset({"role", "content", "weight", "name", "tool_calls", "function_call"})
_CALL_KEYS = ("tool_calls", "function_call")

# What other programs write for OpenAI's roles.
ROLE_OF_OTHERS: dict[str, Role] = {
    "ai": "assistant",
    "bard": "assistant",
    "bing": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "human": "user",
    "observation": "tool",
    "function_response": "tool",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """What could be read of one message.

    Attributes:
        role: Its role as it stands in the row ("function" where the message's is "tool"); None if
            that is unusable.
        message: The message, None if a part of it is unusable.
        findings: What is wrong with it.
        once: What is odd in it and probably in many others.
    """

    role: str | None
    message: Message | None = None
    findings: tuple[Finding, ...] = ()
    once: tuple[Finding, ...] = ()


def read_message(value: object, number: int, place: Place, inside: str = "") -> Turn:
    """One entry of a list of messages.

    Args:
        value: The entry.
        number: Which one it is, from 1.
        place: Where its row stands.
        inside: Key of the list; empty for `messages`.
    """
    where = f'message {number} of "{inside}"' if inside else f"message {number}"
    if not isinstance(value, dict):
        found = place.found(
            "chat.message_not_object",
            f"{where} is {kind_of(value)}; expected an object with role and content",
            'Write it as {"role": "user", "content": "…"}.',
        )
        return Turn(None, findings=(found,))
    once: list[Finding] = []
    role, findings = _role(value, where, place)
    weight = _weight(value.get("weight"), role, where, place, findings)
    calls = read_calls(value, number, where, place, findings, once)
    calling = any(value.get(key) for key in _CALL_KEYS)
    content, known = _answer(value, calling, where, place, findings, once)
    if calling and role not in ("assistant", None):
        findings.append(_calls_of_another(where, role, place))
    if role == "assistant" and not calling and _is_blank(content) and weight != 0:
        findings.append(_empty_assistant(where, place))
    name = _text(value, "name", where, place, findings)
    answers = ""
    if role == "tool":
        answers = _text(value, "tool_call_id", where, place, findings)
        known = (*known, "tool_call_id")
    once += _unused(value, known, place)
    message = None
    if role is not None and content is not None:
        spoken = cast(Role, "tool" if role == "function" else role)
        message = Message(spoken, content, weight, calls, answers, name)
    return Turn(role, message, tuple(findings), tuple(once))


def _answer(
    value: dict[str, object],
    calling: bool,
    where: str,
    place: Place,
    findings: list[Finding],
    once: list[Finding],
) -> tuple[str | None, tuple[str, ...]]:
    """The text of the message, and keys beyond the usual ones that it came from."""
    refusal = value.get("refusal")
    if value.get("content") is None and isinstance(refusal, str) and not calling:
        once.append(
            place.found(
                "chat.refusal_as_answer",
                "a message has a refusal and no content; the refusal is read as its text",
                "Nothing to do if the model should learn to refuse so.",
            )
        )
        return refusal, ("refusal",)
    if calling and value.get("content") is None:
        return "", ()
    return _content(value, where, place, findings), ()


def _unused(value: dict[str, object], known: tuple[str, ...], place: Place) -> Iterable[Finding]:
    unused = [key for key, held in value.items() if key not in _KNOWN_KEYS and held is not None]
    if value.get("tool_calls") is not None and value.get("function_call") is not None:
        unused.append("function_call")
    return (unused_in_message(key, place) for key in unused if key not in known)


def _is_blank(content: str | None) -> bool:
    return content is not None and not content.strip()


def _empty_assistant(where: str, place: Place) -> Finding:
    return place.found(
        "chat.empty_assistant",
        f"{where} is an empty assistant turn; expected an answer to learn",
        'Write the answer, or leave the turn out of training with "weight": 0.',
    )


def _calls_of_another(where: str, role: str | None, place: Place) -> Finding:
    return place.found(
        "chat.calls_of_another",
        f"{where} calls a tool, but its role is {role}; only the assistant calls tools",
        'Give the message the role "assistant", or remove the calls.',
    )


def _text(
    value: dict[str, object], key: str, where: str, place: Place, findings: list[Finding]
) -> str:
    text = value.get(key)
    if text is None or isinstance(text, str):
        return text or ""
    findings.append(
        place.found(
            "chat.id_not_text",
            f"the {key} of {where} is {kind_of(text)}; expected a text",
            "Put it in quotes.",
        )
    )
    return ""


def _role(value: dict[str, object], where: str, place: Place) -> tuple[str | None, list[Finding]]:
    if "role" not in value:
        near = nearest_key("role", value)
        found = place.found(
            "chat.missing_role",
            f"{where} has no role; expected one of {', '.join(ROLES)}",
            near or 'Add "role" to the message.',
        )
        return None, [found]
    role = value["role"]
    if isinstance(role, str) and (role in ROLES or role == "function"):
        return role, []
    if isinstance(role, str):
        meant = ROLE_OF_OTHERS.get(role.strip().lower()) or nearest(role, ROLES)
        shown = quote(role)
    else:
        meant, shown = None, kind_of(role)
    found = place.found(
        "chat.unknown_role",
        f"the role of {where} is {shown}; expected one of {', '.join(ROLES)}",
        f'Did you mean "{meant}"?' if meant else "Give the turn one of these roles.",
    )
    return None, [found]


def nearest_key(wanted: str, value: dict[str, object]) -> str | None:
    """A hint if the object has a key much like the wanted one; None if not."""
    near = nearest(wanted, value)
    return f'Rename the key {quote(near)} to "{wanted}".' if near is not None else None


def _weight(
    weight: object, role: str | None, where: str, place: Place, findings: list[Finding]
) -> float | None:
    """The weight as a number; None, and a finding, if it is neither 0 nor 1."""
    if weight is None:
        return None
    if role is not None and role != "assistant":
        findings.append(
            place.found(
                "chat.weight_unused",
                f"{where} has a weight, but its role is {role}; only assistant turns are learned",
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
            f"the weight of {where} is {shown}; expected the number 0 or 1",
            "Write 1 to learn the turn, 0 to leave it out.",
        )
    )
    return None


def _content(
    value: dict[str, object], where: str, place: Place, findings: list[Finding]
) -> str | None:
    """The text of the message; None, and a finding, if there is none."""
    content = value.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return _joined_parts(content, where, place, findings)
    if "content" not in value:
        code, what = "chat.missing_content", f"{where} has no content"
        hint = nearest_key("content", value) or 'Add "content" with the text of the turn.'
    elif content is None:
        code, what = "chat.content_null", f"the content of {where} is null"
        hint = 'Write the text of the turn, or "" if it is empty.'
    else:
        code, what = "chat.content_not_text", f"the content of {where} is "
        what += kind_of(content)
        hint = 'Put it in quotes if it is meant as text ("42").'
    findings.append(place.found(code, f"{what}; expected a text", hint))
    return None


def _joined_parts(
    parts: list[object], where: str, place: Place, findings: list[Finding]
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
            f"the content of {where} has parts other than text "
            f"({', '.join(dict.fromkeys(others))}); expected only "
            '{"type": "text", "text": "…"}',
            "Leave the row out, or replace the part by text; only text can be learned.",
        )
    )
    return None
