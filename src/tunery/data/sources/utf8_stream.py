"""Text of any Unicode encoding as UTF-8 bytes without a mark in front.

stream, encoding = utf8_stream(stream, start)
"""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING, BinaryIO, cast

from tunery.data.sources.limits import BLOCK_BYTES

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def encoding_of(start: bytes) -> tuple[str, int]:
    """The encoding of a text that begins like this, and the length of its mark in bytes.

    Without a mark, a text is UTF-16 if each second of its first four bytes is 0, as it is where
    it begins with ASCII, and UTF-8 otherwise.
    """
    for mark, encoding in _MARKS.items():
        if start.startswith(mark):
            return encoding, len(mark)
    even, odd = start[0:4:2], start[1:4:2]
    if even and odd and not any(odd) and all(even):
        return "utf-16-le", 0
    if even and odd and not any(even) and all(odd):
        return "utf-16-be", 0
    return "utf-8", 0


class _Transcoded(io.RawIOBase):
    """UTF-8 for the bytes of another encoding.

    What is no character there becomes the byte 0xFF, so that it is found on its line.
    """

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(_BROKEN)
        self._ready = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready and not self._ended:
            data = self._stream.read(BLOCK_BYTES)
            self._ended = not data
            text = self._decoder.decode(data, final=not data)
            self._ready = memoryview(text.encode("utf-8", _BROKEN))
        view = memoryview(buffer).cast("B")
        given = self._ready[: len(view)]
        view[: len(given)] = given
        self._ready = self._ready[len(given) :]
        return len(given)


_BROKEN = "tunery.data.broken_utf16"


def _broken(error: UnicodeError) -> tuple[str | bytes, int]:
    r"""Decoding: each broken byte or half a character as \udcff. Encoding: that one as 0xFF."""
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    assert isinstance(error, UnicodeEncodeError)
    return b"\xff" * (error.end - error.start), error.end


codecs.register_error(_BROKEN, _broken)


def utf8_stream(stream: BinaryIO, start: bytes) -> tuple[BinaryIO, str]:
    """The text as UTF-8, and the encoding that it had.

    Args:
        stream: The bytes, from the first on.
        start: Its first four bytes, or all if there are fewer.
    """
    encoding, mark_bytes = encoding_of(start)
    if mark_bytes:
        stream.read(mark_bytes)
    if encoding == "utf-8":
        return stream, encoding
    return cast("BinaryIO", _Transcoded(stream, encoding)), encoding
