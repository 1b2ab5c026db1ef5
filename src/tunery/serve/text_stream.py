"""Tokens to text, as they come."""

from __future__ import annotations

from collections.abc import Callable, Sequence

UNFINISHED = "\ufffd"
"""What a decoder writes for bytes that are not yet a whole character."""


class TextStream:
    """Collects the tokens of one answer and gives out text that is certain.

    Text is held back while it may still turn into a stop text, or ends in part of a character.

    Args:
        decode: Token ids to text.
        stop: Texts that end the answer; neither they nor what follows is given out.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stop: Sequence[str] = ()) -> None:
        self._decode = decode
        self._stop = tuple(text for text in stop if text)
        self._ids: list[int] = []
        self._given = 0
        self.text = ""
        self.stopped = False

    @property
    def tokens(self) -> int:
        """Tokens so far."""
        return len(self._ids)

    def push(self, token: int) -> str:
        """Adds a token; returns the text that became certain."""
        self._ids.append(token)
        self.text = self._decode(self._ids)
        ends = [at for at in (self.text.find(stop) for stop in self._stop) if at >= 0]
        if ends:
            self.stopped = True
            self.text = self.text[: min(ends)]
            return self._give(len(self.text))
        return self._give(len(self.text) - self._doubtful())

    def finish(self) -> str:
        """Ends the answer; returns the text that was held back."""
        return self._give(len(self.text))

    def _doubtful(self) -> int:
        """Characters at the end that may yet change."""
        whole = self.text.rstrip(UNFINISHED)
        unfinished = len(self.text) - len(whole)
        started = 0  # longest start of a stop text at the end of the whole characters
        for stop in self._stop:
            for length in range(min(len(stop) - 1, len(whole)), started, -1):
                if whole.endswith(stop[:length]):
                    started = length
                    break
        return unfinished + started

    def _give(self, upto: int) -> str:
        upto = max(upto, self._given)
        fresh = self.text[self._given : upto]
        self._given = upto
        return fresh
