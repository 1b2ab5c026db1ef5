"""Keeps web pages of other sites from driving a server on this machine.

A server on loopback needs no key because only local programs reach it. A browser is one of them,
and runs code of any page. Three checks close that way, next to the absence of CORS headers:

- A page may point its own name at 127.0.0.1 after it was loaded (DNS rebinding) and is then of the
  same origin. Its requests still carry its name in `Host`, which must be one of ours.
- A page may send a form to any address without asking first, but not with the content type
  `application/json`, which is why POST requires it.
- Browsers say in `Sec-Fetch-Site` when a request comes from another site.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tunery.api.errors import ApiError, error_response

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN_SITES = frozenset({"cross-site", "same-site"})


class OriginMiddleware:
    """Refuses requests that a page of another site could have caused.

    Args:
        app: The application behind.
        allowed_hosts: Names that `Host` may carry, without port; None takes any.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = None if allowed_hosts is None else {host.lower() for host in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers it."""
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await error_response(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ApiError | None:
        headers, method = Headers(scope=scope), scope["method"]
        host = headers.get("host", "")
        if self._hosts is not None and _name_of(host) not in self._hosts:
            return ApiError(
                f"The request's Host header is {host[:100]!r}, but this server answers only to "
                f"{', '.join(sorted(self._hosts))}.",
                "Use one of these names in the URL, or allow the other when starting the server.",
                status=403,
                code="host_not_allowed",
            )
        if method not in _READING_METHODS and headers.get("sec-fetch-site") in _FOREIGN_SITES:
            return ApiError(
                "The request comes from a web page of another site.",
                "Call the API from a program, or from a page that this server serves.",
                status=403,
                code="cross_site_request",
            )
        if method == "POST" and _media_type(headers) != "application/json":
            given = headers.get("content-type")
            return ApiError(
                f"The Content-Type must be application/json, but is "
                f"{'missing' if given is None else repr(given[:100])}.",
                "Send the header 'Content-Type: application/json'.",
                status=415,
                code="unsupported_media_type",
            )
        return None


def _name_of(host: str) -> str | None:
    """The name in a Host header, without port and brackets; None if it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
