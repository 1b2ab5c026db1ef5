"""An application over a scripted engine that remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tunery.api.app import create_app
from tunery.data.conversation import Message
from tunery.serve.engine import Completion, Delta, Sampling, ServedModel
from tunery.testing.scripted_engine import ScriptedEngine


def echo(messages: Sequence[Message]) -> str:
    return f"You said: {messages[-1].content}"


@dataclass
class RecordingEngine:
    """A scripted engine; `calls` holds what each call was given."""

    scripted: ScriptedEngine
    calls: list[tuple[str, list[list[Message]], Sampling]] = field(default_factory=list)

    def models(self) -> list[ServedModel]:
        return self.scripted.models()

    def generate(
        self, model: str, prompts: Sequence[Sequence[Message]], sampling: Sampling
    ) -> list[Completion]:
        self.calls.append((model, [list(prompt) for prompt in prompts], sampling))
        return self.scripted.generate(model, prompts, sampling)

    def stream(self, model: str, prompt: Sequence[Message], sampling: Sampling) -> Iterator[Delta]:
        self.calls.append((model, [list(prompt)], sampling))
        return self.scripted.stream(model, prompt, sampling)


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine(
        ScriptedEngine({"base": echo, "team/tuned:v2": echo}, context_tokens=1000)
    )


@pytest.fixture
def make_client() -> Callable[..., TestClient]:
    def make(engine: Any, **settings: Any) -> TestClient:
        return TestClient(create_app(engine, **settings), base_url="http://127.0.0.1:8000")

    return make


@pytest.fixture
def client(engine: RecordingEngine, make_client: Callable[..., TestClient]) -> TestClient:
    return make_client(engine)


@pytest.fixture
def ask(client: TestClient) -> Callable[..., Any]:
    """Sends a chat request with these fields; model and messages have defaults."""

    def send(**fields: Any) -> Any:
        body = {"model": "base", "messages": [{"role": "user", "content": "hi"}], **fields}
        return client.post("/v1/chat/completions", json=body)

    return send
