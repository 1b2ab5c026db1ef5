"""Where a tokenizer cuts rendered text before it does anything else: at control tokens.

What lies between two of them can therefore be counted by itself, once, however many rows hold it.
Whether a tokenizer really does so is tried out on the spot; if not, texts are left whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tunery.models.chat_template import ChatTemplate
from tunery.models.layout import Piece, Slot

Parts = tuple[str | Slot, ...]

_EDGES = ("", "a", " a", "a ", "\n", "\n\na", "a\n\n", "  ", "é", "1", ".", "a b\nc d")


class ControlCuts:
    """The control tokens of a template, and how texts are cut at them.

    Args:
        template: The template.
    """

    def __init__(self, template: ChatTemplate) -> None:
        ends = template.tokenizer.convert_ids_to_tokens(list(template.end_ids))
        tokens = dict.fromkeys([*template.control_tokens, *filter(None, ends)])
        self._tokens = tuple(sorted(tokens, key=len, reverse=True))
        self._any = re.compile("|".join(map(re.escape, self._tokens)) or "(?!)")
        self._parted = re.compile(f"({self._any.pattern})")
        self._telling = telling_characters(self._tokens)
        self._encode = template.tokenizer.encode
        self._clean: dict[str, bool] = {}

    def has_token(self, text: str) -> bool:
        """Whether a text holds a control token."""
        return any(char in text for char in self._telling) and bool(self._any.search(text))

    def borders(self, pieces: Sequence[Piece]) -> tuple[frozenset[str], frozenset[str]]:
        """First and last characters of contents that might make a token with what is around."""
        starts: set[str] = set()
        ends: set[str] = set()
        for piece in pieces:
            texts = ["", *(part if isinstance(part, str) else "" for part in piece.parts), ""]
            for before, part, after in zip(texts, piece.parts, texts[2:], strict=False):
                if isinstance(part, Slot):
                    starts |= joining_starts(before, self._tokens)
                    ends |= joining_ends(after, self._tokens)
        return frozenset(starts), frozenset(ends)

    def cut(self, parts: Parts) -> list[Parts]:
        """The parts of a piece in groups that can be tokenized one by one.

        A group is text between control tokens, or control tokens with only white space between
        them.
        """
        tokens = {t for part in parts if isinstance(part, str) for t in self._any.findall(part)}
        if not all(self._cuts_clean(token) for token in tokens):
            return [parts]
        groups: list[Parts] = []
        run = ""
        for group, is_token in self._between(parts):
            constant = "".join(map(str, group))
            if is_token or (constant.isspace() and not _has_slot(group)):
                run += constant
                continue
            if run:
                groups.append((run,))
                run = ""
            groups.append(group)
        if run:
            groups.append((run,))
        return groups

    def _between(self, parts: Parts) -> Iterator[tuple[Parts, bool]]:
        """Control tokens (True), and what stands between them (False), in order."""
        group: list[str | Slot] = []
        for part in parts:
            if isinstance(part, Slot):
                group.append(part)
                continue
            for index, text in enumerate(self._parted.split(part)):
                if index % 2 == 0:
                    group += [text] if text else []
                    continue
                if group:
                    yield tuple(group), False
                    group = []
                yield (text,), True
        if group:
            yield tuple(group), False

    def _cuts_clean(self, token: str) -> bool:
        """Whether the tokenizer treats what stands around a token as if it stood alone."""
        if token not in self._clean:
            alone = {text: self._ids(text) for text in (*_EDGES, token)}
            self._clean[token] = all(
                self._ids(left + token + right) == alone[left] + alone[token] + alone[right]
                for left in _EDGES
                for right in _EDGES
            )
        return self._clean[token]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._encode(text, add_special_tokens=False)
        return ids


def _has_slot(parts: Parts) -> bool:
    return any(isinstance(part, Slot) for part in parts)


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
