"""A text file that a user named: opened as UTF-8, or refused with the reason."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from tunery.data.findings import Finding, Place
from tunery.data.wording import nearest, quote
from tunery.errors import DataError, NotFoundError

# What a blank line may hold. Kept to ASCII, so that counting rows in bytes and in text agree; a
# byte-order mark stands inside a file where two files were joined.
BLANK = " \t\r\n\f\v\ufeff"

_TAIL_BYTES = 4096
_SHOWN_BEFORE = 20  # characters
# `surrogateescape` turns each byte that is not UTF-8 into one of these.
_BAD_BYTE = re.compile("[\udc80-\udcff]")


@contextmanager
def open_text(path: Path, newline: str) -> Iterator[TextIO]:
    r"""A UTF-8 file with or without byte-order mark; bytes that are not UTF-8 are escaped.

    Args:
        path: The file.
        newline: As in `open`: "\n" ends lines at line feeds only, "" also at carriage returns.

    Raises:
        NotFoundError: There is no such file.
        DataError: It is a folder, cannot be read, or is UTF-16.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
            raise DataError(f"{path} is {what}; expected a data file.", "Name one file.")
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline=newline) as lines:
            _refuse_utf16(path)
            yield lines
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"There is no file {path}.", _where_else(path)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(
            f"{path} cannot be read: {reason}.",
            "Check that the account that runs Tunery may read the file and its folder.",
        ) from None


def last_character(path: Path) -> str:
    """The last character of the file that is not blank; empty if its end is blank."""
    with path.open("rb") as raw:
        raw.seek(max(0, raw.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return raw.read().decode("utf-8", "replace").rstrip(BLANK)[-1:]


def bad_bytes(text: str, place: Place) -> Finding | None:
    """A finding if the text holds escaped bytes that were not UTF-8."""
    if text.isascii() or not (bad := _BAD_BYTE.search(text)):
        return None
    before = text[max(0, bad.start() - _SHOWN_BEFORE) : bad.start()]
    return place.found(
        "file.not_utf8",
        f"not UTF-8: byte 0x{ord(bad[0]) - 0xDC00:02X} after {quote(before)}",
        "Save the file as UTF-8. If it comes from Windows: "
        "iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
    )


def _refuse_utf16(path: Path) -> None:
    """Each second byte of UTF-16 is 0 in plain English text, with or without a mark."""
    with path.open("rb") as raw:
        start = raw.read(4)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[1:2] == b"\0" or start[:1] == b"\0":
        raise DataError(
            f"{path} is UTF-16 text; expected UTF-8.",
            "Save it as UTF-8: iconv -f UTF-16 -t UTF-8 OLD > NEW",
        )


def _where_else(path: Path) -> str:
    try:
        near = nearest(path.name, (entry.name for entry in path.parent.iterdir()))
    except OSError:
        return f"Its folder {path.parent} cannot be listed either; check the path."
    return f"Did you mean {path.parent / near}?" if near else "Check the path."
