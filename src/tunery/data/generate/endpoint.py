"""Where a teacher is: an address that may be sent documents, and the key for it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit, urlunsplit

from tunery.errors import UserError

CHAT_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address of chat completions.

    Attributes:
        url: Where requests go.
        shown: The same without its query, which may hold a key; for messages.
        key: The API key; empty for none. Never shown.
        loopback: The address is this machine.
    """

    url: str = field(repr=False)
    shown: str
    key: str = field(default="", repr=False)
    loopback: bool = False


def read_endpoint(
    url: str, *, key_variable: str | None, environment: Mapping[str, str], insecure: bool = False
) -> Endpoint:
    """An endpoint by the address that a user gave.

    Args:
        url: An OpenAI-compatible server, such as "http://127.0.0.1:8000",
            "https://host/v1" or the whole address of its chat completions.
        key_variable: Name of the environment's variable that holds the API key; None for no key.
        environment: The environment.
        insecure: Documents and key may travel unencrypted.

    Raises:
        UserError: The address is none, or is neither on this machine nor https; the variable is
            not set.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_address() from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f]", url):
        raise _bad_address()
    if parts.username or parts.password:
        raise UserError(
            "The teacher's address holds a user name or password.",
            "Put the key into a variable of the environment and name that with --api-key-env.",
        )
    loopback = is_loopback(host)
    if parts.scheme == "http" and not loopback and not insecure:
        raise UserError(
            f"The teacher at {host} would be sent documents without encryption; expected https.",
            "Use https, or --insecure if the network in between can be trusted.",
        )
    full = parts._replace(path=_chat_path(parts), fragment="")
    shown = urlunsplit(full._replace(query=""))
    return Endpoint(urlunsplit(full), shown, _key(key_variable, environment), loopback)


def is_loopback(host: str) -> bool:
    """Whether a host name can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _chat_path(parts: SplitResult) -> str:
    path = parts.path.rstrip("/")
    return path if path.endswith(CHAT_PATH) else (path or "/v1") + CHAT_PATH


def _key(variable: str | None, environment: Mapping[str, str]) -> str:
    if variable is None:
        return ""
    key = environment.get(variable, "").strip()
    if not key:
        raise UserError(
            f"The variable {variable[:60]!r} of --api-key-env is not set, or empty.",
            f"Set it to the teacher's API key: export {variable[:60]}=…",
        )
    if not re.fullmatch(r"[!-~]+", key):
        raise UserError(
            f"The variable {variable[:60]!r} holds characters that no API key has.",
            "Set it to the key alone, without spaces, quotes or line breaks.",
        )
    return key


def _bad_address() -> UserError:
    return UserError(
        "The teacher's address is none; expected one such as http://127.0.0.1:8000/v1.",
        "Give the address of an OpenAI-compatible server.",
    )
