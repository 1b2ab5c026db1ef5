"""A teacher behind any OpenAI-compatible endpoint, over plain HTTP."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import cast

import httpx2

from tunery.data.generate.endpoint import Endpoint
from tunery.data.generate.reply import Reply, read_reply, said_by
from tunery.data.generate.retry import (
    ATTEMPTS,
    LONGEST_ASKED_WAIT_S,
    asked_wait,
    is_worth_repeating,
    own_wait,
)
from tunery.data.generate.teacher import Answer, ChatMessages, Mode
from tunery.errors import RunError, UserError

REPLY_BYTES = 16 * 2**20
"""Largest reply that is read."""

MODES: tuple[Mode, ...] = ("json_schema", "json_object", "text")
# What servers answer to a `response_format` that they do not know.
_FORMAT_REFUSED = frozenset({400, 404, 415, 422, 501})
_REFUSES_ALL = {
    401: "the API key is wrong or missing",
    402: "the account has no credit",
    403: "the API key may not do this",
    404: "there is no such model or address",
    405: "it is no address of chat completions",
}

Wait = Callable[[float], Awaitable[None]]


class HttpTeacher:
    """A `teacher.Teacher`. Use it in `async with`.

    Args:
        endpoint: Where requests go; nowhere else, redirects are not followed.
        model: The name of the model there.
        max_tokens: Most tokens of an answer.
        temperature: Of its sampling; None leaves it to the server.
        timeout_s: Seconds that one try may take, from the first byte sent to the last one read.
        say: Told, once, when the server cannot hold answers to a schema.
        wait: Waits some seconds.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        max_tokens: int = 2048,
        temperature: float | None = None,
        timeout_s: float = 120.0,
        say: Callable[[str], None] = lambda _: None,
        wait: Wait = asyncio.sleep,
    ) -> None:
        self.model = model
        self.max_tokens = max_tokens
        self._endpoint = endpoint
        self._temperature = temperature
        self._timeout_s = timeout_s
        self._say = say
        self._wait = wait
        self._mode = 0
        self._chance = random.Random()
        self._client: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> HttpTeacher:
        headers = {"Accept": "application/json"}
        if self._endpoint.key:
            # Azure's servers read `api-key`, all others the first.
            headers["Authorization"] = f"Bearer {self._endpoint.key}"
            headers["api-key"] = self._endpoint.key
        self._client = httpx2.AsyncClient(
            headers=headers,
            timeout=self._timeout_s,
            follow_redirects=False,
            trust_env=not self._endpoint.loopback,  # a proxy cannot reach this machine's loopback
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def ask(self, messages: ChatMessages, schema: dict[str, object]) -> Answer:
        """As `teacher.Teacher` has it; steps down to a weaker mode where the server has none."""
        first = self._mode
        for step in range(first, len(MODES)):
            mode = MODES[step]
            reply = await self._send(self._body(messages, schema, mode))
            if reply.status in _FORMAT_REFUSED and step + 1 < len(MODES):
                continue
            if reply.status == 200 and step > self._mode:
                refused = " or ".join(MODES[self._mode : step])
                self._mode = step
                self._say(
                    f"The teacher's server does not take {refused}; asking for {mode} instead, "
                    "so more answers may be unusable."
                )
            self._stop_if_hopeless(reply)
            return read_reply(reply, messages, mode, self.max_tokens)
        raise AssertionError("the last mode returns")  # pragma: no cover

    def _body(
        self, messages: ChatMessages, schema: dict[str, object], mode: Mode
    ) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self.model,
            "messages": messages,
            "max_completion_tokens": self.max_tokens,
        }
        if self._temperature is not None:
            body["temperature"] = self._temperature
        if mode == "json_schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "rows", "strict": True, "schema": schema},
            }
            return body
        # Servers want the word JSON in the messages for json_object, and text needs it said.
        told = f"Answer with JSON alone, of this JSON schema: {json.dumps(schema)}"
        body["messages"] = [*messages[:-1], {**messages[-1]}]
        last = cast("ChatMessages", body["messages"])[-1]
        last["content"] = f"{last['content']}\n\n{told}"
        if mode == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    async def _send(self, body: dict[str, object]) -> Reply:
        """The reply to the last try.

        Raises:
            RunError: The server asks for a pause that is too long.
        """
        attempt = 1
        while True:
            reply = await self._try(body)
            if attempt == ATTEMPTS or not _may_change(reply):
                return reply
            asked = asked_wait(reply.headers.get("retry-after"))
            if asked is not None and asked > LONGEST_ASKED_WAIT_S:
                raise RunError(
                    f"The teacher asks to be left alone for {asked:.0f} s (HTTP {reply.status}).",
                    "Wait so long, then go on with --resume.",
                )
            await self._wait(own_wait(attempt, self._chance) if asked is None else asked)
            attempt += 1

    async def _try(self, body: dict[str, object]) -> Reply:
        assert self._client is not None, "used outside `async with`"
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream(
                    "POST", self._endpoint.url, content=content, headers=headers
                ) as response,
            ):
                read = bytearray()
                async for chunk in response.aiter_bytes():
                    read += chunk
                    if len(read) > REPLY_BYTES:
                        return Reply(0, trouble="its reply is larger than 16 MiB")
                return Reply(response.status_code, bytes(read), dict(response.headers))
        except (TimeoutError, httpx2.TimeoutException):
            return Reply(0, trouble=f"no answer came within {self._timeout_s:g} s")
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            said = str(error) or type(error).__name__
            return Reply(0, trouble=self._hidden(f"the connection failed ({said})"))

    def _stop_if_hopeless(self, reply: Reply) -> None:
        """Ends the run where every further request would be refused the same way."""
        cause = _REFUSES_ALL.get(reply.status)
        if 300 <= reply.status < 400:
            cause = "it sends elsewhere, and redirects are not followed"
        if reply.status == 429 and _has_no_quota(reply):
            cause = "the account has no credit"
        if cause:
            said = self._hidden(said_by(reply))
            raise UserError(
                f"The teacher at {self._endpoint.shown} refuses (HTTP {reply.status}): {cause}. "
                f"It says: {said}",
                "Check --teacher, --teacher-model and --api-key-env; then go on with --resume.",
            )

    def _hidden(self, text: str) -> str:
        return text.replace(self._endpoint.key, "***") if self._endpoint.key else text


def _may_change(reply: Reply) -> bool:
    if reply.status == 429 and _has_no_quota(reply):
        return False
    return not reply.status or is_worth_repeating(reply.status)


def _has_no_quota(reply: Reply) -> bool:
    return b"insufficient_quota" in reply.content
