"""A server of chat completions that behaves, or misbehaves, as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_HANG_S = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes over the wire.

    Attributes:
        status: HTTP's status.
        content: The body.
        headers: Besides the length of the body.
    """

    status: int
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class ChatServer:
    """What a server was asked.

    Attributes:
        url: Where it is.
        bodies: The bodies of the requests, in the order in which they came.
        headers: Their headers, names in small letters.
        paths: Their paths.
        left: Set when the server ends; what hangs waits for it.
    """

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


def completion(content: object, *, finish: str = "stop", **message: object) -> Sent:
    """A chat completion; content that is no text is sent as JSON text."""
    text = content if isinstance(content, str) else json.dumps(content)
    body = {
        "id": "chatcmpl-1",
        "choices": [{"message": {"content": text, **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }
    return Sent(200, json.dumps(body).encode())


def refusal(status: int, message: str = "no", **headers: str) -> Sent:
    """An error as OpenAI's servers send it; a header's name has `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent(status, json.dumps({"error": {"message": message}}).encode(), named)


@contextmanager
def served(answer: Callable[[dict[str, Any], int], Sent | None]) -> Iterator[ChatServer]:
    """Serves on a free port of this machine until left.

    Args:
        answer: From the body of a request and its number, counted from 1, to what is sent; None
            hangs.
    """
    seen = ChatServer()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                seen.paths.append(self.path)
                seen.headers.append({name.lower(): text for name, text in self.headers.items()})
                seen.bodies.append(body)
                number = len(seen.bodies)
            sent = answer(body, number)
            if sent is None:
                seen.left.wait(LONGEST_HANG_S)
                self.close_connection = True
                return
            self.send_response(sent.status)
            for name, value in {**sent.headers, "Content-Length": str(len(sent.content))}.items():
                self.send_header(name, value)
            with suppress(ConnectionError):  # who asked may be gone
                self.end_headers()
                self.wfile.write(sent.content)

        def log_message(self, *_: object) -> None:
            """Nothing goes to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    seen.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield seen
    finally:
        seen.left.set()
        server.shutdown()
        thread.join()
        server.server_close()
