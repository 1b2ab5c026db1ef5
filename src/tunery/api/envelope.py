"""What every answer carries: a request id, and never a traceback."""

from __future__ import annotations

import asyncio
import logging
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunery.api.errors import ApiError, error_response, translate_error

_log = logging.getLogger(__name__)


class EnvelopeMiddleware:
    """Gives each request an id, sent as `x-request-id`, and turns what nobody caught into a 500.

    Args:
        app: The application behind.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, and answers it if that fails."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = f"req_{uuid.uuid4().hex}"
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        scope.setdefault("state", {})["request_id"] = request_id
        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            # The server ends a request that outlasts its grace. The request's task has nothing
            # else to do, so that it may end as if done, without a traceback in the log.
            _log.warning("Request %s was cut off: the server stops.", request_id)
            if not started:
                await error_response(_stopping())(scope, receive, send_with_id)
        except Exception as error:
            if started:
                raise  # half an answer is out: only the server can end the connection
            await error_response(translate_error(error, request_id))(scope, receive, send_with_id)


def _stopping() -> ApiError:
    return ApiError("The server stops.", "Ask again when it is back.", status=503)
