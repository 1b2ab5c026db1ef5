"""The lines of a text with their ends, as a reader of tables wants them."""

from __future__ import annotations

import io
from typing import BinaryIO, Self

from tunery.data.sources.limits import BLOCK_BYTES, LIMITS


class LineTooLongError(Exception):
    """A line was passed over; the next one can be read."""


class TextLines:
    r"""Lines that end in "\n", "\r" or both; bytes that are not UTF-8 are escaped.

    Args:
        stream: UTF-8 from the first line on.
        longest: Longest line in characters.

    Going on raises `LineTooLongError` in place of a line that is longer.
    """

    def __init__(self, stream: BinaryIO, longest: int = LIMITS.line_bytes) -> None:
        self._text = io.TextIOWrapper(
            stream, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )
        self._text._CHUNK_SIZE = BLOCK_BYTES // 8  # type: ignore[attr-defined]
        self._longest = longest

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._longest)
        if not line:
            raise StopIteration
        if len(line) < self._longest or line.endswith(("\n", "\r")):
            return line
        while (line := self._text.readline(self._longest)) and not line.endswith(("\n", "\r")):
            pass
        raise LineTooLongError
