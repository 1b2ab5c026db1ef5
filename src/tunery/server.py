"""The HTTP process: an engine behind a port, until it is told to stop."""

from __future__ import annotations

import errno
import os
import re
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from types import FrameType
from typing import Final

import uvicorn

from tunery.api.app import create_app
from tunery.api.origin import LOOPBACK_HOSTS
from tunery.errors import UserError
from tunery.serve.engine import Engine

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
GRACE_S: Final = 10

# Seconds. Clients keep connections for a minute or so; closing earlier makes some requests fail.
_KEEP_ALIVE_S = 75
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    engine: Engine,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    on_ready: Callable[[str], None] | None = None,
    api_key: str | None = None,
    *,
    allowed_hosts: Collection[str] = (),
    grace_s: int = GRACE_S,
) -> None:
    """Answers HTTP requests until SIGINT or SIGTERM, then returns.

    After that the process ends as soon as the engine's running calls do, of which a stream's ends
    with its next piece, another one's with its whole answer. Signals arrive in the main thread,
    which is where this must be called.

    Args:
        engine: Answers the requests.
        host: Name or address of the interface to listen on.
        port: Port to listen on; 0 takes any free one.
        on_ready: Called with the server's URL once it takes connections.
        api_key: The key that requests must bring; needed where other machines can connect.
        allowed_hosts: On loopback, further names that a request's `Host` may carry, such as the
            one a container calls this machine by.
        grace_s: Seconds that answers get to end after the signal; then they are cut off.

    Raises:
        UserError: The key, host or port cannot be used; the message says why.
    """
    _check_key(api_key)
    family, address = _resolve(host, port)
    on_loopback = ip_address(address).is_loopback
    if not on_loopback and api_key is None:
        raise UserError(
            f"The host {host} can be reached from other machines, and no API key is set.",
            f"Set an API key, or listen on {DEFAULT_HOST}.",
        )
    app = create_app(
        engine,
        api_key=api_key,
        allowed_hosts={*LOOPBACK_HOSTS, host, address, *allowed_hosts} if on_loopback else None,
    )
    config = uvicorn.Config(
        app,
        log_config=None,  # the caller decides where logs go
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace_s,
    )
    server = uvicorn.Server(config)
    with closing(_listen(family, address, port)) as listener, _stopping_on_signals(server):
        shown_host = f"[{host}]" if ":" in host else host
        if on_ready:
            on_ready(f"http://{shown_host}:{listener.getsockname()[1]}")
        server.run(sockets=[listener])


def _check_key(api_key: str | None) -> None:
    if api_key is not None and not re.fullmatch("[!-~]+", api_key):
        raise UserError(
            "The API key is empty or holds characters that an HTTP header cannot carry.",
            "Use letters, digits and signs of ASCII, without spaces.",
        )


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """The address to listen on for `host`: its IPv4 one if it has both, as clients know that."""
    if not 0 <= port <= 65535:
        raise UserError(f"The port is {port}, but must be between 0 and 65535.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise UserError(
            f"The host {host!r} is no address or known name.",
            f"Use {DEFAULT_HOST}, or 0.0.0.0 for all interfaces.",
        ) from error
    family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, str(address[0])


def _listen(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """A listening socket, so that connections are taken from here on."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # Else a restart would have to wait until old connections are forgotten.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _listen_error(error, address, port) from error
    return listener


def _listen_error(error: OSError, address: str, port: int) -> UserError:
    match error.errno:
        case errno.EADDRINUSE:
            return UserError(
                f"Port {port} of {address} is in use by another program.",
                "Stop that program, choose another port, or use port 0 for any free one.",
            )
        case errno.EACCES:
            return UserError(
                f"Port {port} of {address} needs rights that this user does not have.",
                "Choose a port above 1023.",
            )
        case errno.EADDRNOTAVAIL:
            return UserError(
                f"{address} is not an address of this machine.",
                f"Use {DEFAULT_HOST}, or 0.0.0.0 for all interfaces.",
            )
    return UserError(f"Cannot listen on port {port} of {address}: {error.strerror}.")


@contextmanager
def _stopping_on_signals(server: uvicorn.Server) -> Iterator[None]:
    """Makes the stop signals end the server instead of the process.

    uvicorn sets handlers of its own while it runs and raises the signals again when it has
    stopped, for the handlers that were there before. Those are these, to which that is no news.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    previous = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
