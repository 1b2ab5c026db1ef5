"""Server-sent events as OpenAI's clients read them."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tunery.api.errors import translate_error

JsonObject = Mapping[str, Any]

_DONE = b"data: [DONE]\n\n"


class EventStream(StreamingResponse):
    """Sends each value as an event, then `[DONE]`.

    What goes wrong on the way is sent as a last event with OpenAI's error body, because the
    status has long been sent by then.

    Args:
        first: The first JSON object, which the caller has waited for to learn whether there is one.
        rest: The others; closed when the stream ends, and also when the client leaves.
        request_id: Names the request in the log if it fails.
    """

    media_type = "text/event-stream"

    def __init__(
        self, first: JsonObject, rest: AsyncGenerator[JsonObject], request_id: str
    ) -> None:
        # Caches must not keep an answer, and nginx must not collect it before passing it on.
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(_events(first, rest, request_id), headers=headers)
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream until it ends or the client leaves."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._rest.aclose()


async def _events(
    first: JsonObject, rest: AsyncGenerator[JsonObject], request_id: str
) -> AsyncIterator[bytes]:
    yield _event(first)
    try:
        async for value in rest:
            yield _event(value)
    except Exception as error:  # noqa: BLE001 - the door's translation, once the status is out
        yield _event(translate_error(error, request_id).body())
    else:
        yield _DONE


def _event(value: JsonObject) -> bytes:
    # ASCII only: several clients also split events at U+2028 and U+0085, which JSON may hold raw.
    return b"data: " + json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n\n"
