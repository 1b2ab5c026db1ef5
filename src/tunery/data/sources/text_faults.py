"""What may be wrong with the text of a line, whatever it says."""

from __future__ import annotations

import re

from tunery.data.findings import Finding, Place
from tunery.data.sources.limits import LIMITS, MIB
from tunery.data.wording import quote

# What a blank line may hold. Kept to ASCII, so that counting rows in bytes and in text agree; a
# byte-order mark stands inside a file where two files were joined.
BLANK = " \t\r\n\f\v\ufeff"

_SHOWN_BEFORE = 20  # characters
# `surrogateescape` turns each byte that is not UTF-8 into one of these.
_BAD_BYTE = re.compile("[\udc80-\udcff]")


def bad_bytes(text: str, place: Place) -> Finding | None:
    """A finding if the text holds escaped bytes that were not UTF-8, or a zero byte."""
    if "\0" in text:
        return place.found(
            "file.zero_byte",
            f"a zero byte after {quote(_before(text, text.index(chr(0))))}; expected text",
            "Write the file again: zeros are what a crash while writing, or a program that "
            "writes binary data, leaves.",
        )
    if text.isascii() or not (bad := _BAD_BYTE.search(text)):
        return None
    return place.found(
        "file.not_utf8",
        f"not UTF-8: byte 0x{ord(bad[0]) - 0xDC00:02X} after {quote(_before(text, bad.start()))}",
        "Save the file as UTF-8. If it comes from Windows: "
        "iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
    )


def _before(text: str, at: int) -> str:
    return text[max(0, at - _SHOWN_BEFORE) : at]


def too_long(place: Place, longest: int = LIMITS.line_bytes) -> Finding:
    """The finding for a line that is longer than any row."""
    return place.found(
        "file.line_too_long",
        f"the line is longer than {longest // MIB} MiB; expected one row on each line",
        "Put each row on a line of its own; a file that is one long line of JSON is read if it "
        "is one array.",
    )
