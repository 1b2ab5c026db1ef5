"""Who is asked: the one call that a run needs of a teacher, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from tunery.data.generate.candidate import Problem

Mode = Literal["json_schema", "json_object", "text"]
"""How an answer is made to be JSON: by its schema, as JSON of any shape, or by asking for it."""

ChatMessages = list[dict[str, str]]
"""Turns, each with `role` and `content`."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a request was charged for.

    Attributes:
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        known: False if the server did not say, so that these are the most it can have been.
    """

    prompt_tokens: int
    completion_tokens: int
    known: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request.

    Attributes:
        value: The JSON value of the answer; None with a problem.
        problem: Why there is no value; None if there is one.
        usage: What it took; None if nothing was answered.
        mode: How the answer was made to be JSON.
        request_id: The server's name for the request; empty if it gave none.
        text: The answer as text, of which `value` was read; the first characters of it.
    """

    value: object = None
    problem: Problem | None = None
    usage: Usage | None = None
    mode: Mode = "json_schema"
    request_id: str = ""
    text: str = ""


class Teacher(Protocol):
    """A model that answers in JSON."""

    @property
    def model(self) -> str:
        """Its name, for the rows' metadata."""
        ...

    @property
    def max_tokens(self) -> int:
        """Most tokens of one answer."""
        ...

    async def ask(self, messages: ChatMessages, schema: dict[str, object]) -> Answer:
        """Asks once; repeats what is worth repeating.

        Args:
            messages: The turns.
            schema: JSON schema of the answer.

        Raises:
            UserError: The server refuses every request: a wrong key, model or address.
            RunError: The server asks for a longer pause than is worth waiting for.
        """
        ...
