"""Exceptions to OpenAI's error body, in one place.

Every answer that is not a success carries `{"error": {"message", "type", "param", "code"}}`, from
which OpenAI's clients build their exceptions. Below this door errors are raised; here they are
translated, once.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from tunery.errors import NotFoundError, TuneryError, UserError

_log = logging.getLogger(__name__)

_GIVEN_CHARACTERS = 60
_GIVEN_SAYS_NOTHING = frozenset({"missing", "unsupported"})  # kinds of validation errors
_PROBLEMS_SHOWN = 10


class ApiError(UserError):
    """A refusal with what only this door knows.

    Args:
        message: What was given and what was expected.
        hint: What to do about it.
        status: HTTP status.
        param: The request's field at fault, such as `messages[0].content`.
        code: A word for programs, such as `model_not_found`.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, status, param, code)
        self.status = status
        self.param = param
        self.code = code

    @property
    def kind(self) -> str:
        """OpenAI's word for whose mistake it is."""
        return "invalid_request_error" if self.status < 500 else "server_error"

    def body(self) -> dict[str, Any]:
        """The error as it travels."""
        return {
            "error": {
                "message": str(self),
                "type": self.kind,
                "param": self.param,
                "code": self.code,
            }
        }


def install_error_handlers(app: FastAPI) -> None:
    """Makes `app` answer every error that is raised below it with OpenAI's body."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, HTTPException):
            return error_response(_http_error(error, request), error.headers)
        return error_response(translate_error(error, request.state.request_id))

    for kind in (TuneryError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def error_response(error: ApiError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer that carries `error`."""
    extra = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return JSONResponse(error.body(), error.status, headers={**(headers or {}), **extra})


def translate_error(error: Exception, request_id: str) -> ApiError:
    """What the client is told about `error`; what it must not see goes to the log.

    Args:
        error: Anything that was raised while answering.
        request_id: Names the request in the log and in the answer.

    Returns:
        Errors that Tunery raises on purpose keep their text, because it is written for users.
        All others become one sentence that names the request.
    """
    match error:
        case ApiError():
            return error
        case RequestValidationError():
            return _validation_error(error)
        case NotFoundError():
            return ApiError(error.message, error.hint, status=404, code="not_found")
        case UserError():
            return ApiError(error.message, error.hint)
    _log.error("Request %s failed.", request_id, exc_info=error)
    if isinstance(error, TuneryError):
        return ApiError(error.message, error.hint, status=500)
    return ApiError(f"The server failed. Its log says more under {request_id}.", status=500)


def _http_error(error: HTTPException, request: Request) -> ApiError:
    """What the framework raises: no such route, wrong method, unreadable body."""
    asked = f"{request.method} {request.url.path}"
    match error.status_code:
        case 404:
            hint = "The routes are listed in /openapi.json."
            return ApiError(f"There is no {asked} here.", hint, status=404, code="unknown_url")
        case 405:
            allowed = (error.headers or {}).get("allow") or (error.headers or {}).get("Allow", "")
            message = f"{asked} is not possible; the method must be {allowed}."
            return ApiError(message, status=405, code="method_not_allowed")
        case 413:
            return ApiError(str(error.detail), status=413, code="request_too_large")
    return ApiError("The request body could not be read as JSON.", status=error.status_code)


def _validation_error(error: RequestValidationError) -> ApiError:
    """All problems of a request body as one message; `param` is the first one's field."""
    problems: Sequence[Mapping[str, Any]] = error.errors()
    first = problems[0]
    if first["type"] == "json_invalid":
        return ApiError(
            f"The request body is not valid JSON: {first['ctx']['error']} "
            f"at character {first['loc'][1]}."
        )
    shown = [_sentence(problem) for problem in problems[:_PROBLEMS_SHOWN]]
    if len(problems) > _PROBLEMS_SHOWN:
        shown.append(f"And {len(problems) - _PROBLEMS_SHOWN} more.")
    code = "unsupported_parameter" if first["type"] == "unsupported" else None
    return ApiError(" ".join(shown), param=_field(first["loc"]), code=code)


def _sentence(problem: Mapping[str, Any]) -> str:
    subject = _field(problem["loc"]) or "The request body"
    text = problem["msg"][0].lower() + problem["msg"][1:]
    given = problem["input"]
    if problem["type"] in _GIVEN_SAYS_NOTHING or not isinstance(given, str | int | float | None):
        return f"{subject}: {text}."
    shown = json.dumps(given)
    if len(shown) > _GIVEN_CHARACTERS:
        shown = shown[:_GIVEN_CHARACTERS] + "…"
    return f"{subject}: {text}, not {shown}."


def _field(location: Sequence[str | int]) -> str | None:
    """The field's path in OpenAI's spelling; None for the body as a whole."""
    path = ""
    for step in location[1:]:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path or None
