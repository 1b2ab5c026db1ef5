"""The routes of the chat family."""

from __future__ import annotations

from functools import partial

from anyio import CapacityLimiter
from fastapi import APIRouter, Request
from starlette.responses import Response

from tunery.api.chat.protocol import ChatCompletion, ChatRequest, ignored_fields
from tunery.api.chat.service import check_combination, complete, stream_chunks
from tunery.api.ignored_fields import IgnoredFields
from tunery.api.sse import EventStream
from tunery.api.threads import call_in_thread, iterate_in_thread
from tunery.serve.engine import Engine


def chat_router(engine: Engine, limiter: CapacityLimiter, ignored: IgnoredFields) -> APIRouter:
    """`POST /chat/completions`.

    Args:
        engine: Answers the requests.
        limiter: Bounds the engine calls that run at once.
        ignored: Told of the fields that have no effect.
    """
    router = APIRouter(tags=["chat"])

    @router.post("/chat/completions", response_model=ChatCompletion)
    async def create_chat_completion(
        body: ChatRequest, request: Request
    ) -> ChatCompletion | Response:
        check_combination(body)
        ignored.tell(ignored_fields(body))
        if not body.stream:
            return await call_in_thread(partial(complete, engine, body), limiter)
        chunks = iterate_in_thread(partial(stream_chunks, engine, body), limiter)
        # Fails here, with a status, if the engine refuses; later it can only say so in the stream.
        first = await anext(chunks)
        return EventStream(first, chunks, request.state.request_id)

    return router
