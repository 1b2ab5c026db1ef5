"""The API key that a request must bring, if the server has one."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tunery.api.errors import ApiError, error_response


class ApiKeyMiddleware:
    """Answers 401 to requests without the key.

    The key may come as `Authorization: Bearer KEY`, as OpenAI's clients send it, or as
    `api-key: KEY`, as Azure's do.

    Args:
        app: The application behind.
        api_key: The key to compare with.
        open_paths: Paths that need no key.
    """

    def __init__(self, app: ASGIApp, api_key: str, open_paths: Collection[str] = ()) -> None:
        self._app = app
        self._api_key = api_key.encode()
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers it."""
        if scope["type"] != "http" or scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
            return
        given = _given_key(Headers(scope=scope))
        # Constant time: the answer's delay must not tell how much of a guess is right.
        if given is not None and hmac.compare_digest(given.encode("latin-1"), self._api_key):
            await self._app(scope, receive, send)
            return
        await error_response(_refusal(given))(scope, receive, send)


def _given_key(headers: Headers) -> str | None:
    """The key that the request brings: Azure's header first, then the bearer token."""
    if (key := headers.get("api-key")) is not None:
        return key
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def _refusal(given: str | None) -> ApiError:
    return ApiError(
        "The request brings no API key." if given is None else "The API key is not the right one.",
        "Send the server's key as 'Authorization: Bearer KEY' or 'api-key: KEY'.",
        status=401,
        code="invalid_api_key",
    )
