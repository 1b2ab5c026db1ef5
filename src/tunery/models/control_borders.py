"""Where a text could make a control token together with what stands around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tunery.models.layout import Slot, SlotPiece


class ControlBorders:
    """The tokens that a tokenizer takes out of a text before anything else.

    Args:
        tokenizer: A transformers tokenizer.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokens = tuple(token for token in tokenizer.added_tokens_encoder if token)
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        self._telling = telling_characters(self._tokens)

    def has_token(self, text: str) -> bool:
        """Whether a text holds such a token."""
        return any(char in text for char in self._telling) and bool(self._any.search(text))

    def of(self, pieces: Sequence[SlotPiece]) -> tuple[frozenset[str], frozenset[str]]:
        """First and last characters of contents that might make a token with what is around."""
        starts: set[str] = set()
        ends: set[str] = set()
        texts = ["", *(part for piece in pieces for part in piece.parts), ""]
        for before, part, after in zip(texts, texts[1:], texts[2:], strict=False):
            if isinstance(part, Slot):
                starts |= joining_starts(before if isinstance(before, str) else "", self._tokens)
                ends |= joining_ends(after if isinstance(after, str) else "", self._tokens)
        return frozenset(starts), frozenset(ends)


def joining_starts(before: str, tokens: Sequence[str]) -> set[str]:
    """Characters with which a text can go on so that a token may arise across the border."""
    return {
        token[cut]
        for token in tokens
        for cut in range(1, len(token))
        if before.endswith(token[:cut])
    }


def joining_ends(after: str, tokens: Sequence[str]) -> set[str]:
    """Characters that a text can end with so that a token may arise across the border."""
    return {
        token[cut - 1]
        for token in tokens
        for cut in range(1, len(token))
        if after.startswith(token[cut:])
    }


def telling_characters(tokens: Sequence[str]) -> str:
    """Few characters of which every token has one, rather signs than letters."""
    left = set(tokens)
    chosen = ""
    while left:
        counts = Counter(char for token in left for char in set(token))
        best = max(counts, key=lambda char: (not char.isalnum(), counts[char], char))
        chosen += best
        left = {token for token in left if best not in token}
    return chosen
