"""A moving window over a text that is too long to be held."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from tunery.data.sources.limits import BLOCK_BYTES


class TextWindow:
    r"""The part of a text that is being read; bytes that are not UTF-8 are escaped.

    Args:
        stream: UTF-8 without a mark in front.

    Attributes:
        text: The part.
        at: How far it has been read.
        read_from: Where what was read last began.
        ended: No more text follows this part.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.text = ""
        self.at = 0
        self.read_from = 0
        self.ended = False
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._lines = 0  # "\n" before `text`
        self._column = 0  # characters before `text` on its first line

    def more(self) -> bool:
        """Lets go what has been read and doubles what is left; whether any text came.

        Raises:
            Damaged: The stream's own.
        """
        self._let_go()
        wanted = max(BLOCK_BYTES, len(self.text))
        pieces = [self.text]
        while wanted > 0 and not self.ended:
            data = self._stream.read(BLOCK_BYTES)
            self.ended = not data
            pieces.append(self._decoder.decode(data, final=self.ended))
            wanted -= len(pieces[-1])
        before = len(self.text)
        self.text = "".join(pieces)
        return len(self.text) > before

    def skip_blanks(self) -> str:
        """Goes to the next character that is not blank, and gives it; "" at the end."""
        while True:
            at = self.at
            while at < len(self.text) and self.text[at] in " \t\r\n\ufeff\f\v":
                at += 1
            self.at = at
            if at < len(self.text):
                return self.text[at]
            if not self.more():
                return ""

    def line_and_column(self, at: int) -> tuple[int, int]:
        """Where a place of `text` is in the whole text, both from 1."""
        lines = self.text.count("\n", 0, at)
        start = self.text.rfind("\n", 0, at) + 1
        column = at - start + (0 if lines else self._column)
        return self._lines + lines + 1, column + 1

    def _let_go(self) -> None:
        line, column = self.line_and_column(self.at)
        self._lines, self._column = line - 1, column - 1
        self.text = self.text[self.at :]
        self.at = 0
