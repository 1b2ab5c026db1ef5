"""HTML to blocks, by the standard library's parser. Nothing that a page refers to is loaded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tunery.data.generate.passages import Block

# What a reader of the page does not read as its text.
_UNREAD = frozenset(
    {"script", "style", "template", "noscript", "svg", "math", "nav", "iframe", "object", "head"}
)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BREAKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl"}
    | {"dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "li"}
    | {"main", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr"}
    | {"ul", "title"}
)
_SPACE = re.compile(r"\s+")
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.I)
_CHARSET_BYTES = 4096  # browsers look into the first 1024


def html_blocks(text: str) -> list[Block]:
    """The text of a page in blocks, each with the headings above it and the line it starts on."""
    page = _Page()
    page.feed(text)
    page.close()
    page.end_block()
    return page.blocks


def declared_charset(page: bytes) -> str | None:
    """The encoding that a page says it is in; None if it says none."""
    found = _CHARSET.search(page[:_CHARSET_BYTES])
    return found[1].decode("ascii") if found else None


class _Page(HTMLParser):
    """Collects text between tags that break a line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._titles: dict[int, str] = {}
        self._text: list[str] = []
        self._line = 1
        self._unread: list[str] = []
        self._heading = 0
        self._kept_spaces = 0  # open <pre>

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._unread.append(tag)
        elif tag in _HEADINGS:
            self.end_block()
            self._heading = int(tag[1])
        elif tag == "br":
            self._add("\n")
        elif tag in ("td", "th"):
            if self._text:
                self._add(" | ")
        elif tag in _BREAKS:
            self.end_block()
            self._kept_spaces += tag == "pre"
            if tag == "li":
                self._add("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unread:
            # An inner tag that was never closed ends with its parent.
            del self._unread[self._unread.index(tag) :]
        elif tag in _HEADINGS or tag in _BREAKS:
            self.end_block()
            self._kept_spaces = max(0, self._kept_spaces - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._add(data if self._kept_spaces else _SPACE.sub(" ", data))

    def _add(self, text: str) -> None:
        if not self._text:
            if not text.strip():
                return
            self._line = self.getpos()[0]
        self._text.append(text)

    def end_block(self) -> None:
        """Ends the paragraph or heading that is being read."""
        lines = [line.rstrip() for line in "".join(self._text).splitlines()]
        text = "\n".join(lines).strip("\n") if self._kept_spaces else "\n".join(lines).strip()
        self._text = []
        level, self._heading = self._heading, 0
        if level and text:
            kept = {deep: title for deep, title in self._titles.items() if deep < level}
            self._titles = {**kept, level: text}
        if text.strip("- \n"):
            path = " > ".join(self._titles[deep] for deep in sorted(self._titles))
            self.blocks.append(Block(text, self._line, path))
