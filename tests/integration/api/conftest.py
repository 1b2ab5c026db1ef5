"""A real server in a thread, for real clients."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
import uvicorn

from tunery.api.app import create_app
from tunery.data.conversation import Message
from tunery.serve.engine import Completion, Delta, Sampling, ServedModel
from tunery.testing.scripted_engine import ScriptedEngine

WAIT_S = 20  # far more than anything here takes


@contextmanager
def running(app: Any) -> Iterator[str]:
    """Serves `app` on a free port; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(WAIT_S)
            assert not thread.is_alive()


@dataclass
class SteppedEngine:
    """Streams one piece each time `step` is released, and tells when its generator is closed."""

    step: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    asked: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    pieces_sent: int = 0
    threads: set[int] = field(default_factory=set)

    def models(self) -> list[ServedModel]:
        return [ServedModel("stepped", "stepped", 0)]

    def generate(
        self, model: str, prompts: Sequence[Sequence[Message]], sampling: Sampling
    ) -> list[Completion]:
        self.asked.set()
        assert self.step.acquire(timeout=WAIT_S)
        return [Completion("done", "stop", 1, 1) for _ in prompts]

    def stream(self, model: str, prompt: Sequence[Message], sampling: Sampling) -> Iterator[Delta]:
        try:
            for number in range(1000):
                self.asked.set()
                assert self.step.acquire(timeout=WAIT_S)
                self.threads.add(threading.get_ident())
                self.pieces_sent += 1
                yield Delta(f"{number} ")
        finally:
            self.closed.set()


@pytest.fixture
def serve_app() -> Iterator[Callable[..., str]]:
    """Serves an engine until the test ends; returns the URL."""
    with ExitStack() as stack:
        yield lambda engine, **settings: stack.enter_context(
            running(create_app(engine, **settings))
        )


@pytest.fixture
def stepped() -> SteppedEngine:
    return SteppedEngine()


@pytest.fixture
def scripted() -> ScriptedEngine:
    def echo(messages: Sequence[Message]) -> str:
        return f"You said: {messages[-1].content}"

    return ScriptedEngine({"base": echo, "team/tuned:v2": lambda _: "grüezi 🦊"}, 1000)


@pytest.fixture
def make_client() -> Iterator[Callable[..., openai.OpenAI]]:
    """An official client of the server at a URL; a failure is not hidden by its retries."""
    with ExitStack() as stack:

        def make(url: str, api_key: str = "any", **settings: Any) -> openai.OpenAI:
            settings = {"max_retries": 0, "timeout": WAIT_S} | settings
            return stack.enter_context(
                openai.OpenAI(base_url=f"{url}/v1", api_key=api_key, **settings)
            )

        yield make
