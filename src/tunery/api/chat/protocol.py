"""Chat completions as they travel over the wire.

The fields stand in the order of OpenAI's reference. A field of a request that is not declared
here is accepted, as OpenAI's server does with what it does not use, and reported by
`ignored_fields`; one whose loss would change the answer's meaning is declared as unsupported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

_MAX_STOPS = 4
_MAX_CHOICES = 8


def _unsupported(*harmless: object) -> AfterValidator:
    """Refuses every value but null and those that mean the same as leaving the field out."""

    def check(value: object) -> object:
        if value is None or value in harmless:
            return value
        raise PydanticCustomError("unsupported", "not supported yet; leave it out")

    return AfterValidator(check)


def _known_role(role: object) -> object:
    if role in ("tool", "function"):
        raise PydanticCustomError("unsupported", "tool results are not supported yet")
    return role


def _joined_text(content: object) -> object:
    """The text of a list of text parts, put together as they stand; other values unchanged."""
    if not isinstance(content, list):
        return content
    texts = []
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if isinstance(kind, str) and kind != "text":
            raise PydanticCustomError(
                "unsupported",
                "part {index} is of type {kind}, which is not supported yet; send text parts",
                {"index": index, "kind": repr(kind[:40])},
            )
        text = part.get("text") if kind == "text" else None
        if not isinstance(text, str):
            raise PydanticCustomError(
                "text_part",
                "part {index} should be an object {form}",
                {"index": index, "form": '{"type": "text", "text": "…"}'},
            )
        texts.append(text)
    return "".join(texts)


def _whole_characters(text: str) -> str:
    """Refuses halves of surrogate pairs, which JSON can escape but no tokenizer can read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("text", "should be text of whole Unicode characters") from None
    return text


Text = Annotated[str, Field(strict=True), AfterValidator(_whole_characters)]
FilledText = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_whole_characters)]


def _stop_texts(stop: object) -> object:
    return [stop] if isinstance(stop, str) else stop


class _Incoming(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)


class RequestMessage(_Incoming):
    """One turn of the conversation."""

    role: Annotated[
        Literal["system", "developer", "user", "assistant"], BeforeValidator(_known_role)
    ]
    """Who speaks."""

    content: Annotated[Text, BeforeValidator(_joined_text)]
    """The text, or a list of text parts, which are put together as they stand."""

    audio: Annotated[Any, _unsupported()] = None
    function_call: Annotated[Any, _unsupported()] = None
    tool_calls: Annotated[Any, _unsupported([])] = None


class StreamOptions(_Incoming):
    """How an answer is streamed."""

    include_usage: Annotated[bool | None, Field(strict=True)] = None
    """Send the token counts in one more chunk at the end."""


class ChatRequest(_Incoming):
    """What `POST /v1/chat/completions` takes."""

    messages: list[RequestMessage] = Field(min_length=1)
    """The conversation so far."""

    model: FilledText
    """Name of a model of `GET /v1/models`."""

    audio: Annotated[Any, _unsupported()] = None
    frequency_penalty: Annotated[Any, _unsupported(0)] = None
    function_call: Annotated[Any, _unsupported("none", "auto")] = None
    functions: Annotated[Any, _unsupported([])] = None
    logit_bias: Annotated[Any, _unsupported({})] = None
    logprobs: Annotated[Any, _unsupported(False)] = None

    max_completion_tokens: Annotated[int | None, Field(strict=True, ge=1)] = None
    """Longest answer in tokens; as long as the context allows by default."""

    max_tokens: Annotated[int | None, Field(strict=True, ge=1)] = None
    """Older name of `max_completion_tokens`."""

    modalities: Annotated[Any, _unsupported(["text"])] = None
    moderation: Annotated[Any, _unsupported()] = None

    n: Annotated[int | None, Field(strict=True, ge=1, le=_MAX_CHOICES)] = None
    """Answers to give, 1 by default. At temperature 0 all are the same one."""

    presence_penalty: Annotated[Any, _unsupported(0)] = None
    response_format: Annotated[Any, _unsupported({"type": "text"})] = None

    seed: Annotated[int | None, Field(strict=True, ge=-(2**63), lt=2**63)] = None
    """Makes sampling repeatable."""

    stop: Annotated[
        Annotated[list[FilledText], Field(max_length=_MAX_STOPS)] | None,
        BeforeValidator(_stop_texts),
    ] = None
    """A text, or up to four, that end the answer and are not part of it."""

    stream: Annotated[bool | None, Field(strict=True)] = None
    """Send the answer in pieces while it is written."""

    stream_options: StreamOptions | None = None
    """How it is streamed; only with `stream`."""

    temperature: Annotated[float | None, Field(strict=True, ge=0, le=2)] = None
    """0 takes the most likely token each time; 1 by default, as OpenAI's."""

    tool_choice: Annotated[Any, _unsupported("none", "auto")] = None
    tools: Annotated[Any, _unsupported([])] = None
    top_logprobs: Annotated[Any, _unsupported(0)] = None

    top_p: Annotated[float | None, Field(strict=True, gt=0, le=1)] = None
    """Share of probability mass that is kept before sampling; 1 by default."""

    web_search_options: Annotated[Any, _unsupported()] = None


def ignored_fields(request: ChatRequest) -> Iterator[str]:
    """Names of the fields that were sent, hold something, and have no effect."""
    yield from _extra(request, "")
    for message in request.messages:
        yield from _extra(message, "messages[].")
    if request.stream_options:
        yield from _extra(request.stream_options, "stream_options.")


def _extra(part: _Incoming, prefix: str) -> Iterator[str]:
    for name, value in (part.model_extra or {}).items():
        if value is not None and value not in ([], {}):
            yield prefix + name


class _Outgoing(BaseModel):
    model_config = ConfigDict(frozen=True)


class Usage(_Outgoing):
    """Tokens read and written; all choices together, the prompt once."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AnswerMessage(_Outgoing):
    """The assistant's turn."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(_Outgoing):
    """One answer."""

    index: int
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class ChatCompletion(_Outgoing):
    """The whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    system_fingerprint: str
