"""A file on this machine: opened for bytes, or refused with the reason."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tunery.data.sources.limits import BLOCK_BYTES
from tunery.data.wording import nearest, quote
from tunery.errors import DataError, NotFoundError


@dataclass(frozen=True, slots=True)
class OpenBytes:
    """The bytes of one file.

    Attributes:
        stream: From the first byte on; it can seek.
        size_bytes: How many there are; None if whoever holds them does not say.
        check_unchanged: Raises DataError if the file is no longer the one that was opened.
    """

    stream: BinaryIO
    size_bytes: int | None
    check_unchanged: Callable[[], None] = lambda: None


@contextmanager
def open_local(path: Path) -> Iterator[OpenBytes]:
    """An ordinary file; only opening it is told as an error of the house.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is something else (a folder, a pipe, a device), or cannot be read.
    """
    with told(str(path)):
        stream = _open(path)
    with stream:
        before = os.fstat(stream.fileno())

        def check_unchanged() -> None:
            now = os.fstat(stream.fileno())
            if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise changed(str(path))

        yield OpenBytes(stream, before.st_size, check_unchanged)


def _open(path: Path) -> BinaryIO:
    if "\0" in str(path):
        raise NotFoundError(f"There is no file {quote(str(path))}.", "Check the path.")
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
        raise DataError(f"{path} is {what}; expected a data file.", "Name one file.")
    return path.open("rb", buffering=BLOCK_BYTES)


def changed(file: str) -> DataError:
    """The error for a file that is no longer what it was when its reading began."""
    return DataError(
        f"{file} changed while it was read; expected a file that is finished.",
        "Wait until nothing writes to it, then try again.",
    )


@contextmanager
def told(name: str) -> Iterator[None]:
    """Errors of the system as errors of the house.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be read.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {name}.", _where_else(Path(name))) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(
            f"{name} cannot be read: {reason}.",
            "Check that the account that runs Tunery may read the file and its folder.",
        ) from None


def _where_else(path: Path) -> str:
    try:
        near = nearest(path.name, (entry.name for entry in path.parent.iterdir()))
    except OSError:
        return f"Its folder {path.parent} cannot be listed either; check the path."
    return f"Did you mean {path.parent / near}?" if near else "Check the path."
