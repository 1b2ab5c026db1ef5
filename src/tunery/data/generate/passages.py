"""Passages: pieces of documents that are long enough to ask about and short enough to read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

PASSAGE_CHARACTERS = 2000
"""Longest passage: about 500 tokens of English, so a page of it."""

SHORT_CHARACTERS = 400
"""A passage below this goes on under the next heading."""

_SENTENCE_END = re.compile(r"[.!?。！？…][\"')\]»”]*\s")  # noqa: RUF001 (Chinese full stops)


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list or other piece that its document keeps together.

    Attributes:
        text: Its text, not blank.
        number: The line or page on which it starts, from 1.
        heading: The heading that it stands under; empty if none.
    """

    text: str
    number: int
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document.

    Attributes:
        document: Path of the document, as the user gave it.
        position: Where it starts, as "line 12" or "page 3".
        heading: The first heading that it stands under; empty if none.
        text: Its text.
    """

    document: str
    position: str
    heading: str
    text: str

    @property
    def digest(self) -> str:
        """BLAKE2b-128 of the text, in hexadecimal."""
        return hashlib.blake2b(self.text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def pack(
    blocks: Iterable[Block],
    document: str,
    unit: Literal["line", "page"],
    most: int = PASSAGE_CHARACTERS,
) -> Iterator[Passage]:
    """Puts blocks together to passages; a new heading starts a new one if the last is not short.

    Args:
        blocks: The blocks of one document, in order.
        document: Its path.
        unit: What the blocks' numbers count.
        most: Characters of the longest passage.
    """
    held: list[Block] = []
    size = 0
    for block in (piece for whole in blocks for piece in _pieces(whole, most)):
        turns = bool(held) and block.heading != held[-1].heading and size >= SHORT_CHARACTERS
        if held and (turns or size + len(block.text) + 2 > most):
            yield _passage(held, document, unit)
            held, size = [], 0
        size += len(block.text) + 2 * bool(held)
        held.append(block)
    if held:
        yield _passage(held, document, unit)


def _passage(blocks: list[Block], document: str, unit: str) -> Passage:
    text = "\n\n".join(block.text for block in blocks)
    return Passage(document, f"{unit} {blocks[0].number}", blocks[0].heading, text)


def _pieces(block: Block, most: int) -> Iterator[Block]:
    """The block, cut after sentences, or else words, where it is too long for one passage."""
    text, line = block.text, block.number
    while len(text) > most:
        ends = [found.end() for found in _SENTENCE_END.finditer(text, 0, most)]
        at = ends[-1] if ends and ends[-1] > most // 2 else text.rfind(" ", most // 2, most) + 1
        at = at or most
        yield Block(text[:at].rstrip(), line, block.heading)
        text = text[at:].lstrip()
    if text:
        yield Block(text, line, block.heading)
