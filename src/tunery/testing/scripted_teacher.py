"""A teacher whose answers are written in advance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tunery.data.generate.teacher import Answer, ChatMessages, Usage


class ScriptedTeacher:
    """A `tunery.data.generate.teacher.Teacher` that needs no server.

    Args:
        answer: From the turns and the number of the request, counted from 1, to the JSON value of
            the answer, or to a whole `Answer`.
        max_tokens: Most tokens of an answer, for budgets alone.
    """

    model = "scripted"

    def __init__(
        self, answer: Callable[[ChatMessages, int], object], max_tokens: int = 100
    ) -> None:
        self._answer = answer
        self.max_tokens = max_tokens
        self.asked: list[ChatMessages] = []
        self.schemas: list[dict[str, object]] = []

    async def ask(self, messages: ChatMessages, schema: dict[str, object]) -> Answer:
        """The answer, which took 1,000 tokens to read and 100 to write."""
        self.asked.append(messages)
        self.schemas.append(schema)
        number = len(self.asked)
        await asyncio.sleep(0)
        found = self._answer(messages, number)
        if isinstance(found, Answer):
            return found
        return Answer(found, usage=Usage(1000, 100), request_id=f"r{number}")


def three_facts(messages: ChatMessages, number: int) -> object:
    """Three rows about the sentence "Fact N is …" of the passage, unlike those of other calls."""
    text = messages[1]["content"]
    fact = text[text.index("Fact ") :].split("\n")[0].rstrip(".")
    words = ("What", "Who reads", "Where stands")
    rows = [
        {"question": f"{word} number {number}: {fact}?", "answer": fact, "quote": fact}
        for word in words
    ]
    return {"rows": rows}
