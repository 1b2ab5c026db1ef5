"""What a user names as data: a path, an address, a data set of the hub; and how it is shown."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from urllib.parse import urlsplit

from tunery.data.wording import quote
from tunery.errors import DataError

Location = str | Path

_SCHEME = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]+)://|(hub):)")  # one letter is a Windows drive
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def scheme_of(location: Location) -> str:
    """What kind of location it is: "s3", "https", "http", "hub"; "" for a path.

    Raises:
        DataError: It is an address of a kind that is not read, or its words may be overheard.
    """
    found = _SCHEME.match(location) if isinstance(location, str) else None
    if found is None:
        return ""
    scheme = (found[1] or found[2]).lower()
    if scheme not in ("s3", "https", "http", "hub"):
        raise DataError(
            f"{shown(location)} is an address of the kind {quote(scheme)}; expected a path, "
            "https://, s3:// or hub:.",
            "Copy the file to this machine and give its path.",
        )
    if scheme == "http" and _host(location) not in _LOOPBACK:
        raise DataError(
            f"{shown(location)} is not encrypted; expected https://.",
            "Use https://; http:// is read from this machine only.",
        )
    return scheme


def as_location(given: str | PathLike[str]) -> Location:
    """An address as it was written, anything else as a path.

    Raises:
        DataError: As for `scheme_of`.
    """
    return given if isinstance(given, str) and scheme_of(given) else Path(given)


def shown(location: Location) -> str:
    """The location as the user gave it, without what is secret in an address.

    Name and password before the host, the query (a signed address holds its signature there) and
    the fragment become "***".
    """
    if not isinstance(location, str) or not (found := _SCHEME.match(location)) or found[2]:
        return str(location)
    address, mark, _ = location.partition("?")
    address, fragment, _ = address.partition("#")
    before, host, after = address.partition("://")
    user, at, rest = after.partition("/")[0].rpartition("@")
    masked = f"{'***' if user or at else ''}{at}{rest}{after[len(user + at + rest) :]}"
    return f"{before}{host}{masked}{'?***' if mark else '#***' if fragment else ''}"


def file_name(location: Location) -> str:
    """The last part of the path, in lower case: what endings are read from."""
    if isinstance(location, str) and _SCHEME.match(location):
        location = re.split(r"[?#]", location)[0]
        return location.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return Path(location).name.lower()


def _host(location: Location) -> str | None:
    try:
        return urlsplit(str(location)).hostname
    except ValueError:  # a bracket that is not closed
        return None
