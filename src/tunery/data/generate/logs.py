"""Logs of chat completions: a line to what was asked and what was answered.

Two shapes are read. A pair of a request and its response, each as it went over the wire, perhaps
under "body" as in OpenAI's batch files:

    {"request": {"messages": […], "tools": […]}, "response": {"model": …, "choices": […]}}

And a stored completion, as `GET /v1/chat/completions` lists them, with the prompt that
`GET /v1/chat/completions/{id}/messages` gives, under "messages" (or "input"):

    {"id": …, "model": …, "metadata": {…}, "messages": […], "choices": […]}
"""

from __future__ import annotations

from dataclasses import dataclass

Json = dict[str, object]

_TURN_KEYS = ("content", "name", "tool_calls", "tool_call_id", "function_call")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer to one prompt.

    Attributes:
        model: Name of the model that answered; empty if the log does not say.
        finish_reason: Why its answer ended; empty if the log does not say.
        metadata: What the application stored with it.
        id: Of the completion; empty if none.
        created: Unix time of the answer in seconds; None if the log does not say.
        refusal: What it refused with; empty if it did not.
        row: The chat row, of which only the answer is learned.
    """

    model: str
    finish_reason: str
    metadata: dict[str, str]
    id: str
    created: int | None
    refusal: str
    row: Json


def read_exchanges(value: Json) -> list[Exchange] | str:
    """The answers of one line of a log, or why there are none.

    Args:
        value: The line's object.
    """
    request, response = _parts(value)
    if response is None:
        return 'it has no "choices", nor a "response" that has them'
    prompt = request.get("messages", request.get("input"))
    if not isinstance(prompt, list) or not prompt:
        return 'it has no prompt; expected a list of "messages"'
    choices = response.get("choices")
    if not isinstance(choices, list) or not choices:
        return 'its "choices" are no list, or empty'
    found: list[Exchange] = []
    for choice in choices:
        message = choice.get("message") if isinstance(choice, dict) else None
        if not isinstance(choice, dict) or not isinstance(message, dict):
            return "a choice has no message; pieces of a stream cannot be read"
        found.append(_exchange(value, request, response, choice, message))
    return found


def _parts(value: Json) -> tuple[Json, Json | None]:
    """The request and the response; None if there is no response."""
    if "choices" in value:
        return value, value
    request, response = _body(value.get("request")), _body(value.get("response"))
    return request or value, response if response and "choices" in response else None


def _body(part: object) -> Json | None:
    body = part.get("body", part) if isinstance(part, dict) else None
    return body if isinstance(body, dict) else None


def _exchange(value: Json, request: Json, response: Json, choice: Json, message: Json) -> Exchange:
    prompt = request.get("messages", request.get("input"))
    turns = [_turn(turn) for turn in prompt] if isinstance(prompt, list) else []
    row: Json = {"messages": [*turns, _answer(message)]}
    for key in ("tools", "functions", "parallel_tool_calls"):
        if request.get(key) not in (None, []):
            row[key] = request[key]
    metadata: dict[str, str] = {}
    for part in (request, response, value):
        stored = part.get("metadata")
        if isinstance(stored, dict):
            metadata |= {name: str(text) for name, text in stored.items()}
    created = response.get("created")
    return Exchange(
        model=_text(response.get("model")) or _text(request.get("model")),
        finish_reason=_text(choice.get("finish_reason")),
        metadata=metadata,
        id=_text(response.get("id")),
        created=created if type(created) is int else None,
        refusal=_text(message.get("refusal")),
        row=row,
    )


def _turn(turn: object) -> object:
    """A turn of the prompt; an earlier answer has a line of its own and is not learned here."""
    if not isinstance(turn, dict):
        return turn
    kept: Json = {"role": turn.get("role"), **_filled(turn)}
    if kept["role"] == "assistant":
        kept["weight"] = 0
    return kept


def _answer(message: Json) -> Json:
    return {"role": "assistant", **_filled(message)}


def _filled(turn: Json) -> Json:
    """What a turn says, without the empty keys and the ids that a store adds."""
    kept = {key: turn[key] for key in _TURN_KEYS if turn.get(key) not in (None, [])}
    if "content" not in kept and turn.get("content_parts"):
        kept["content"] = turn["content_parts"]
    return kept


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
