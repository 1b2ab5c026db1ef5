"""Documents to ask about, and servers that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tunery.testing.chat_server import ChatServer, served

FACTS = ("the tower is red", "a goose flies home", "snow melts in May", "the bell rings at noon")


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder of four documents, each with one fact."""
    folder = tmp_path / "documents"
    folder.mkdir()
    for number, fact in enumerate(FACTS, start=1):
        (folder / f"{number}.txt").write_text(f"Fact {number} is that {fact}.\n")
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    """Serves replies one after the other, the last one for ever; None hangs."""
    with ExitStack() as stack:

        def start(*replies: Any) -> ChatServer:
            def answer(body: dict[str, Any], number: int) -> Any:
                reply = replies[min(number, len(replies)) - 1]
                return reply(body, number) if callable(reply) else reply

            return stack.enter_context(served(answer))

        yield start
