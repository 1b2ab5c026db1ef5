"""Plain text and Markdown to blocks: paragraphs under their headings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunery.data.generate.passages import Block

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_UNDERLINE = re.compile(r"(=+|-{2,})[ \t]*")
_FENCE = re.compile(r"[ ]{0,3}(```+|~~~+)")


def text_blocks(text: str) -> Iterator[Block]:
    """Paragraphs of plain text: lines with no blank line between."""
    for lines, number in _paragraphs(text):
        yield Block("\n".join(lines), number)


def markdown_blocks(text: str) -> Iterator[Block]:
    """Paragraphs of Markdown, each with the headings above it, as in "Setup > Windows".

    The text keeps its Markdown. A fenced block stays together, and what looks like a heading in
    it is none.
    """
    titles: dict[int, str] = {}
    for lines, number in _paragraphs(text, fences=True):
        body: list[str] = []
        start = number
        for offset, line in enumerate(lines):
            level, title = _heading(line, lines, offset)
            if level and not _FENCE.match(lines[0]):
                if body:
                    yield Block("\n".join(body), start, _path(titles))
                titles = {deep: name for deep, name in titles.items() if deep < level}
                titles[level] = title
                body, start = [], number + offset
            if not body:
                start = number + offset
            body.append(line)
        yield Block("\n".join(body), start, _path(titles))


def _path(titles: dict[int, str]) -> str:
    return " > ".join(titles[level] for level in sorted(titles))


def _heading(line: str, lines: list[str], offset: int) -> tuple[int, str]:
    """Level and title of a line that is a heading; level 0 if it is none."""
    if found := _HEADING.fullmatch(line):
        return len(found[1]), found[2]
    under = lines[offset + 1] if offset == 0 and len(lines) > 1 else ""
    if line.strip() and (found := _UNDERLINE.fullmatch(under)):
        return (1 if found[1][0] == "=" else 2), line.strip()
    return 0, ""


def _paragraphs(text: str, *, fences: bool = False) -> Iterator[tuple[list[str], int]]:
    """Lines that no blank line parts, with the number of the first."""
    held: list[str] = []
    start, fence = 1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.match(line) if fences else None
        opens = mark is not None and not fence
        if held and (opens or not (fence or line.strip())):
            yield held, start
            held = []
        if not held:
            start = number
        if line.strip() or fence:
            held.append(line.rstrip())
        if mark is not None and opens:
            fence = mark[1]
        elif fence and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
            yield held, start
            held = []
    if held:
        yield held, start
