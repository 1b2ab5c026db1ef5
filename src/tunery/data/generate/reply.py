"""What a server sent, to an answer or to why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tunery.data.generate.answer_json import find_json
from tunery.data.generate.candidate import Problem
from tunery.data.generate.teacher import Answer, ChatMessages, Mode, Usage
from tunery.data.wording import quote

KEPT_CHARACTERS = 2000
"""So much of an answer that cannot be used is kept for the list of rejected rows."""

_TOKENS_A_TURN = 16  # at most, of a chat template around one turn


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply over HTTP.

    Attributes:
        status: HTTP's status; 0 if no whole reply came.
        content: The body.
        headers: Names in small letters.
        trouble: Why no reply came, as a clause.
    """

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


def read_reply(reply: Reply, messages: ChatMessages, mode: Mode, max_tokens: int) -> Answer:
    """The answer in a reply.

    Args:
        reply: The reply.
        messages: What was asked, for an upper bound of the tokens where the server gives no usage.
        mode: How it was asked.
        max_tokens: How long an answer could be.
    """
    request_id = reply.headers.get("x-request-id", "")[:200]
    if not reply.status:
        return Answer(problem=Problem("teacher.failed", reply.trouble), mode=mode)
    if reply.status != 200:
        said = f"HTTP {reply.status}: {said_by(reply)}"
        reason = "teacher.failed" if reply.status >= 429 else "teacher.refused"
        return Answer(problem=Problem(reason, said), mode=mode, request_id=request_id)
    body = _json(reply.content)
    choice = _first_choice(body)
    if not isinstance(body, dict) or choice is None:
        problem = Problem("teacher.failed", f"no chat completion came: {said_by(reply)}")
        return Answer(problem=problem, usage=most(messages, max_tokens), mode=mode)
    usage = _usage(body) or most(messages, max_tokens)
    request_id = request_id or _text(body.get("id"))[:200]
    message = choice.get("message")
    turn: dict[str, object] = message if isinstance(message, dict) else {}
    text = _text(turn.get("content"))
    value, wrong = _value(text, _text(turn.get("refusal")), choice.get("finish_reason"))
    return Answer(value, wrong, usage, mode, request_id, text[:KEPT_CHARACTERS])


def _value(text: str, refusal: str, finish: object) -> tuple[object, Problem | None]:
    if refusal or finish == "content_filter":
        return None, Problem("teacher.refused", f"the teacher refused: {quote(refusal or text)}")
    if finish == "length":
        cut = "the answer was cut off at the limit of its tokens; give a larger --max-tokens"
        return None, Problem("teacher.cut_off", cut)
    found, value = find_json(text)
    if not found:
        said = f"expected JSON, got {quote(text)}" if text else "the answer is empty"
        return None, Problem("teacher.not_json", said)
    return value, None


def most(messages: ChatMessages, max_tokens: int) -> Usage:
    """The most that a request can have taken: a token is one byte or more."""
    sizes = (len(turn["content"].encode("utf-8", "replace")) for turn in messages)
    return Usage(sum(sizes) + _TOKENS_A_TURN * len(messages), max_tokens, known=False)


def said_by(reply: Reply) -> str:
    """What a server says in the body of an error, on one line, cut and quoted."""
    body = _json(reply.content)
    error = body.get("error", body) if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    if isinstance(message, str) and message:
        return quote(message)
    return quote(reply.content[:200].decode("utf-8", "replace"))


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _first_choice(body: object) -> dict[str, object] | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return None


def _usage(body: dict[str, object]) -> Usage | None:
    usage = body.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    read, written = (n if type(n) is int and n >= 0 else None for n in counts)
    return None if read is None or written is None else Usage(read, written)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
