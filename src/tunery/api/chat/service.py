"""Chat requests to engine calls, and engine answers to chat completions.

Everything here blocks and belongs in a thread.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Iterator
from hashlib import sha256
from typing import Any

from tunery.api.chat.protocol import AnswerMessage, ChatCompletion, ChatRequest, Choice, Usage
from tunery.api.errors import ApiError
from tunery.api.models.service import find_model
from tunery.data.conversation import Message
from tunery.errors import RunError
from tunery.serve.engine import Completion, Delta, Engine, FinishReason, Sampling, ServedModel

_TEMPERATURE = 1.0  # OpenAI's default
_TOP_P = 1.0


def check_combination(request: ChatRequest) -> None:
    """Refuses fields that are right alone but not together.

    Raises:
        ApiError: 400; the message names both fields.
    """
    long, short = request.max_completion_tokens, request.max_tokens
    if long is not None and short is not None and long != short:
        raise ApiError(
            f"max_tokens is {short}, but max_completion_tokens, its newer name, is {long}.",
            "Send one of them.",
            param="max_tokens",
        )
    if request.stream_options is not None and not request.stream:
        raise ApiError(
            "stream_options is only possible with stream: true.",
            "Leave it out, or stream.",
            param="stream_options",
        )
    if request.stream and (request.n or 1) > 1:
        raise ApiError(
            f"n is {request.n}, but only one answer at a time can be streamed yet.",
            "Send n: 1, or do not stream.",
            param="n",
            code="unsupported_parameter",
        )


def complete(engine: Engine, request: ChatRequest) -> ChatCompletion:
    """Answers a request at once.

    Raises:
        ApiError: 404, there is no such model.
        UserError: The engine cannot use the prompt.
        RunError: The engine failed.
    """
    head = _head(find_model(engine, request.model))
    sampling, wanted = _sampling(request), request.n or 1
    # At temperature 0 every answer is the same one, so that one is computed.
    computed = wanted if sampling.temperature > 0 else 1
    found = engine.generate(request.model, [_prompt(request)] * computed, sampling)
    completions = found * (wanted // computed)
    choices = [
        Choice(
            index=index,
            message=AnswerMessage(content=completion.text),
            finish_reason=completion.finish_reason,
        )
        for index, completion in enumerate(completions)
    ]
    return ChatCompletion(**head, choices=choices, usage=_usage(completions))


def stream_chunks(engine: Engine, request: ChatRequest) -> Generator[dict[str, Any]]:
    """Yields the answer as `chat.completion.chunk` objects while it is written.

    The first one comes only after the engine's first piece, so that what is wrong with a request
    is raised before anything is sent.

    Raises:
        ApiError: 404, there is no such model.
        UserError: The engine cannot use the prompt.
        RunError: The engine failed, or ended without saying so.
    """
    with_usage = bool(request.stream_options and request.stream_options.include_usage)
    head = _head(find_model(engine, request.model)) | {"object": "chat.completion.chunk"}
    if with_usage:
        head |= {"usage": None}  # OpenAI's chunks have the field when it was asked for
    deltas = engine.stream(request.model, _prompt(request), _sampling(request))
    try:
        started, completion = False, None
        for delta in deltas:
            if not started:
                yield head | _choice({"role": "assistant", "content": ""})
                started = True
            if delta.text:
                yield head | _choice({"content": delta.text})
            completion = delta.completion or completion
        if completion is None:
            raise RunError("The engine ended the answer without its last piece.")
        yield head | _choice({}, completion.finish_reason)
        if with_usage:
            yield head | {"choices": [], "usage": _usage([completion]).model_dump()}
    finally:
        _close(deltas)


def _head(model: ServedModel) -> dict[str, Any]:
    """What a completion and each of its chunks begin with."""
    # The fingerprint changes when another model takes the name; clients watch it for that.
    identity = f"{model.name}\n{model.base}\n{model.created}"
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": model.name,
        "system_fingerprint": f"fp_{sha256(identity.encode()).hexdigest()[:10]}",
    }


def _choice(delta: dict[str, str], finish_reason: FinishReason | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {"choices": [choice]}


def _prompt(request: ChatRequest) -> list[Message]:
    return [Message(message.role, message.content) for message in request.messages]


def _sampling(request: ChatRequest) -> Sampling:
    max_tokens = request.max_completion_tokens
    return Sampling(
        max_tokens=request.max_tokens if max_tokens is None else max_tokens,
        temperature=_TEMPERATURE if request.temperature is None else request.temperature,
        top_p=_TOP_P if request.top_p is None else request.top_p,
        stop=tuple(request.stop or ()),
        seed=request.seed,
    )


def _usage(completions: list[Completion]) -> Usage:
    read = completions[0].prompt_tokens
    written = sum(completion.completion_tokens for completion in completions)
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)


def _close(deltas: Iterator[Delta]) -> None:
    """Ends the engine's generator; iterators that are none have nothing to end."""
    if isinstance(deltas, Generator):
        deltas.close()
