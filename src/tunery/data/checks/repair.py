"""Repairs of raw chat rows that are safe: what was meant can be told, nothing is made up.

Duplicate rows are the caller's to leave out: a repair sees one row.
"""

from __future__ import annotations

import ast
import copy
import json
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tunery.data.findings import Finding
from tunery.data.wording import quote

Row = dict[str, Any]

ROLE_ALIASES = {
    "ai": "assistant",
    "bot": "assistant",
    "chatgpt": "assistant",
    "gpt": "assistant",
    "model": "assistant",
    "human": "user",
}
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_PYTHON_LIMIT = 10_000  # characters of arguments in Python syntax that are read
# Not to be seen, and without use in any script; soft hyphens and direction marks may be meant.
_DELETED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2060\ufeff]")


def repair(value: Row, findings: Iterable[Finding]) -> tuple[Row, list[str]]:
    """Repairs what the findings name and what is safe to repair.

    Args:
        value: The row as the file has it; it is left as it is.
        findings: What was found in it, or about its file.

    Returns:
        The repaired row, and what was done, one sentence each; an empty list if nothing was.
    """
    repaired = copy.deepcopy(value)
    codes = {finding.code for finding in findings}
    done: list[str] = []
    for code, mend in REPAIRS.items():
        if code in codes:
            done += mend(repaired)
    return repaired, done


def _rename_messages(value: Row) -> Iterator[str]:
    """`message` or `Messages` where `messages` is meant."""
    if "messages" in value:
        return
    names = [name for name in value if name.strip().lower() in ("message", "messages")]
    if len(names) == 1 and isinstance(value[names[0]], list | str):
        value["messages"] = value.pop(names[0])
        yield f'renamed the key {quote(names[0])} to "messages"'


def _decode_messages(value: Row) -> Iterator[str]:
    messages = value.get("messages")
    if isinstance(messages, str) and isinstance(decoded := _json(messages), list):
        value["messages"] = decoded
        yield "decoded messages that were turned into JSON twice"


def _rename_roles(value: Row) -> Iterator[str]:
    for turn in _turns(value):
        role = turn.get("role")
        if not isinstance(role, str) or role in _ROLES:
            continue
        meant = role.strip().lower()
        meant = ROLE_ALIASES.get(meant, meant)
        if meant in _ROLES:
            turn["role"] = meant
            yield f"changed the role {quote(role)} to {meant}"


def _number_to_text(value: Row) -> Iterator[str]:
    for turn in _turns(value):
        content = turn.get("content")
        if isinstance(content, int | float) and not isinstance(content, bool):
            if content != content or content in (float("inf"), float("-inf")):
                continue  # no number that could be meant
            turn["content"] = json.dumps(content)
            yield f"wrote the number {turn['content'][:20]} as a text"


def _null_with_calls(value: Row) -> Iterator[str]:
    for turn in _turns(value):
        calls = turn.get("tool_calls") or turn.get("function_call")
        if calls and "content" in turn and turn["content"] is None:
            turn["content"] = ""
            yield "wrote the null content of a turn with calls as an empty text"


def _decode_arguments(value: Row) -> Iterator[str]:
    for call in _calls(value):
        text = call.get("arguments")
        decoded = _json(text) if isinstance(text, str) else None
        if isinstance(decoded, str) and isinstance(_json(decoded), dict):
            call["arguments"] = decoded
            yield "decoded arguments that were turned into JSON twice"


def _arguments_from_python(value: Row) -> Iterator[str]:
    for call in _calls(value):
        text = call.get("arguments")
        if not isinstance(text, str) or len(text) > _PYTHON_LIMIT or _json(text) is not None:
            continue
        if (written := _python_as_json(text)) is not None:
            call["arguments"] = written
            yield "wrote arguments in Python syntax as JSON"


def _python_as_json(text: str) -> str | None:
    """The same object as JSON; None if it is no dict of JSON's kinds. Nothing is executed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd escapes
            value = ast.literal_eval(text.strip())
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    # Keys that are no texts, tuples and the like would not come back the same.
    return written if isinstance(value, dict) and _json(written) == value else None


def _strip_answers(value: Row) -> Iterator[str]:
    for turn in _turns(value):
        content = turn.get("content")
        if turn.get("role") == "assistant" and isinstance(content, str):
            turn["content"] = content.strip()
            if turn["content"] != content:
                yield "removed whitespace at the edges of an answer"
    completion = value.get("completion")
    if isinstance(completion, str) and completion != completion.strip():
        value["completion"] = completion.strip()
        yield "removed whitespace at the edges of the completion"


def _strip_prompts(value: Row) -> Iterator[str]:
    for holder, key in _texts(value):
        if key == "prompt" or (key == "content" and holder.get("role") == "user"):
            stripped = holder[key].rstrip(" \t\xa0")
            if stripped != holder[key]:
                holder[key] = stripped
                yield "removed a space at the end of a prompt"


def _delete_invisible(value: Row) -> Iterator[str]:
    for holder, key in _texts(value):
        text = _DELETED.sub("", holder[key]).replace("\xa0", " ")
        if text != holder[key]:
            holder[key] = text
            yield "removed characters that cannot be seen from a text"


REPAIRS: dict[str, Callable[[Row], Iterator[str]]] = {
    "chat.missing_messages": _rename_messages,
    "chat.messages_is_text": _decode_messages,
    "chat.unknown_role": _rename_roles,
    "chat.content_not_text": _number_to_text,
    "chat.content_null": _null_with_calls,
    "tool_calls.arguments_encoded_twice": _decode_arguments,
    "tool_calls.arguments_not_json": _arguments_from_python,
    "text.invisible": _delete_invisible,
    "text.answer_spaces": _strip_answers,
    "text.prompt_ends_in_space": _strip_prompts,
}
"""What mends the rows with a finding; each does nothing the second time."""


def _turns(value: Row) -> list[Row]:
    messages = value.get("messages")
    if not isinstance(messages, list):
        return []
    return [turn for turn in messages if isinstance(turn, dict)]


def _calls(value: Row) -> Iterator[Row]:
    """The objects that hold `name` and `arguments`."""
    for turn in _turns(value):
        if isinstance(turn.get("function_call"), dict):
            yield turn["function_call"]
        calls = turn.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and isinstance(call.get("function"), dict):
                yield call["function"]


def _texts(value: Row) -> Iterator[tuple[Row, str]]:
    """Where texts stand: the object and its key."""
    for turn in _turns(value):
        if isinstance(turn.get("content"), str):
            yield turn, "content"
    for key in ("prompt", "completion", "system"):
        if isinstance(value.get(key), str):
            yield value, key


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
