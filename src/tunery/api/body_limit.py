"""The largest request body that is read into memory."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunery.api.errors import ApiError, error_response


class BodyLimitMiddleware:
    """Answers 413 to larger bodies: at once if their length is declared, else while reading.

    Args:
        app: The application behind.
        max_body_bytes: The largest body that passes.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > self._max_body_bytes:
            error = ApiError(self._message(), status=413, code="request_too_large")
            await error_response(error)(scope, receive, send)
            return

        received_bytes = 0

        async def counted() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > self._max_body_bytes:
                # The one exception that FastAPI lets out of its reading of the body.
                raise HTTPException(413, self._message())
            return message

        await self._app(scope, counted, send)

    def _message(self) -> str:
        return f"The request body is larger than the {self._max_body_bytes} bytes allowed."
