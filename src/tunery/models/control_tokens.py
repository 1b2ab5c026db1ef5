"""Control tokens: those that a template writes stay apart, those in people's texts become letters.

While a template is rendered, each control token inside a text is a stand-in, one character that
no standard text uses. Behind the template, a stand-in becomes its token's letters again, in parts
that no tokenizer takes for the token.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

from tunery.errors import UserError

PRIVATE_USE = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))
"""Unicode code points that no standard text uses."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a row that is tokenized on its own.

    Attributes:
        text: The text.
        weight: Loss weight of each of its tokens.
        token_id: The id, where the text is one token written by the template; None for all else.
    """

    text: str
    weight: float
    token_id: int | None = None


class ControlTokens:
    """The control tokens of a tokenizer.

    Args:
        tokenizer: A transformers tokenizer.
        text_tokens: Added tokens that are no control tokens: a text may hold them.
    """

    def __init__(self, tokenizer: Any, text_tokens: Collection[str] = ()) -> None:
        self._ids: dict[str, int] = dict(tokenizer.added_tokens_encoder)
        self._in_texts = _any_of(self._ids.keys() - set(text_tokens))
        self._all = _any_of(self._ids) if _stand_apart(tokenizer, self._ids) else None

    def stand_ins(self, texts: Iterable[str]) -> dict[str, str]:
        """A stand-in for each control token that the texts hold: stand-in → token.

        Raises:
            UserError: The texts use up all private characters.
        """
        if self._in_texts is None:
            return {}
        texts = list(texts)
        found = {token for text in texts for token in self._in_texts.findall(text)}
        if not found:
            return {}
        used = set().union(*texts)
        free = (chr(point) for point in chain(*PRIVATE_USE) if chr(point) not in used)
        stand_ins = dict(zip(free, sorted(found), strict=False))
        if len(stand_ins) < len(found):
            raise UserError(
                "The texts hold control tokens and every private character of Unicode; expected "
                "a private character that is free.",
                "Remove the private characters.",
            )
        return stand_ins

    def hide(self, value: Value, stand_ins: Mapping[str, str]) -> Value:
        """A JSON value with stand-ins for the control tokens in its texts and keys."""
        if not stand_ins or self._in_texts is None:
            return value
        by_token = {token: char for char, token in stand_ins.items()}
        pattern = self._in_texts

        def hidden(part: Any) -> Any:
            if isinstance(part, str):
                return pattern.sub(lambda match: by_token[match.group()], part)
            if isinstance(part, dict):
                return {hidden(key): hidden(item) for key, item in part.items()}
            return [hidden(item) for item in part] if isinstance(part, list) else part

        result: Value = hidden(value)
        return result

    def pieces(self, text: str, weight: float, stand_ins: Mapping[str, str]) -> Iterator[Piece]:
        """Cuts rendered text where tokenizing it whole and in pieces gives the same tokens.

        Args:
            text: With stand-ins.
            weight: Of all its tokens.
            stand_ins: Whose letters are to be written.
        """
        start = 0
        for at, char in enumerate(text if stand_ins else ""):
            if char in stand_ins:
                yield from self._cut(text[start:at], weight)
                yield from (Piece(part, weight) for part in self._letters(stand_ins[char]))
                start = at + 1
        yield from self._cut(text[start:], weight)

    def _cut(self, text: str, weight: float) -> Iterator[Piece]:
        start = 0
        for match in self._all.finditer(text) if self._all else ():
            if match.start() > start:
                yield Piece(text[start : match.start()], weight)
            yield Piece(match.group(), weight, self._ids[match.group()])
            start = match.end()
        if start < len(text):
            yield Piece(text[start:], weight)

    def _letters(self, token: str) -> Iterator[str]:
        """A token's text in parts of which none holds a control token of two letters or more."""
        yield token[:1]
        start = 1
        for match in self._in_texts.finditer(token, 1) if self._in_texts else ():
            if match.start() > start:
                yield token[start : match.start()]
            yield from self._letters(match.group())
            start = match.end()
        if start < len(token):
            yield token[start:]


def strings_in(value: object) -> Iterator[str]:
    """All texts and keys of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item)


def _any_of(tokens: Collection[str]) -> re.Pattern[str] | None:
    """Finds tokens, the longest that begins at a place; None without tokens.

    Grouped by first letter: a model may have thousands, and a place where none begins is passed
    at once.
    """
    groups: dict[str, list[str]] = {}
    for token in sorted((token for token in tokens if token), key=lambda t: (-len(t), t)):
        groups.setdefault(token[0], []).append(re.escape(token[1:]))
    if not groups:
        return None
    return re.compile("|".join(f"{re.escape(k)}(?:{'|'.join(g)})" for k, g in groups.items()))


def _stand_apart(tokenizer: Any, ids: Mapping[str, int]) -> bool:
    """Whether text between control tokens is tokenized as if it were alone.

    Not so where a token swallows spaces beside it, or the first word of a text has its own form.
    """
    whole, parts = [], []
    for token, token_id in ids.items():
        for text in (" a ", "a", "\n"):
            whole += [text, token]
            parts += [*_encoded(tokenizer, text), token_id]
    return _encoded(tokenizer, "".join(whole)) == parts


def _encoded(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids
