"""Conversations as spans of text whose token counts add up to those of `ChatTemplate.row`.

Most rows are never rendered: `layout` puts them together. Nothing is tokenized twice: `TokenCounts`
has one place for each distinct span, such as a system prompt that all rows share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tunery.data.conversation import Conversation
from tunery.models.chat_template import ChatTemplate
from tunery.models.control_borders import ControlBorders
from tunery.models.layout import Layout, SlotPiece, lay_out
from tunery.models.token_counts import TokenCounts
from tunery.models.watched_text import holds

LAYOUTS = 4096
"""Most shapes of conversations whose layout is kept."""

COMPARED_FIRST, COMPARED_EVERY = 4, 512
"""Rows of a shape that are also rendered in full, and compared: the first, then one of so many."""


class Span(NamedTuple):
    """Text between control tokens, or control tokens with only white space between them.

    Attributes:
        trained: Whether its tokens have a loss weight other than 0.
        place: Where `TokenCounts` has their number.
        key: A 64-bit hash, equal for equal texts in one process.
    """

    trained: bool
    place: int
    key: int


@dataclass(slots=True)
class _Shape:
    """A layout cut into spans.

    Attributes:
        layout: The layout.
        spans: Constant spans, and pieces to fill.
        starts: See `ControlBorders.of`.
        ends: The same.
        refused: Why rows of this shape are rendered in full; empty if they are not.
        seen: Rows of this shape so far.
    """

    layout: Layout
    spans: tuple[Span | SlotPiece, ...] = ()
    starts: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset()
    refused: str = ""
    seen: int = 0


class Spans:
    """Cuts conversations into spans, rendering as few of them as it can.

    Args:
        template: The template.
        counts: Where the texts are counted.

    Attributes:
        assembled: Conversations that were put together.
        rendered: Those that the template rendered, by the reason.
    """

    def __init__(self, template: ChatTemplate, counts: TokenCounts) -> None:
        self._template = template
        self._counts = counts
        self._borders = ControlBorders(template.tokenizer)
        self._shapes: dict[object, _Shape] = {}
        self.assembled = 0
        self.rendered: Counter[str] = Counter()

    def of(self, conversation: Conversation) -> list[Span]:
        """The spans of a conversation, in order.

        Raises:
            TuneryError: The template cannot render it; the same as `ChatTemplate.row` raises.
        """
        shape = self._shape(conversation)
        if shape is None:
            return self._render(conversation, "tool calls and named turns")
        if shape.refused:
            return self._render(conversation, shape.refused)
        contents = [message.content for message in conversation.messages]
        reason = self._obstacle(shape, contents)
        if reason:
            return self._render(conversation, reason)
        shape.seen += 1
        if shape.seen <= COMPARED_FIRST or shape.seen % COMPARED_EVERY == 0:
            rendered = [piece.text for piece in self._template.segments(conversation)]
            if rendered != [piece.fill(contents) for piece in shape.layout.pieces]:
                shape.refused = "the chat template changes texts in a way that was not foreseen"
                return self._render(conversation, shape.refused)
        self.assembled += 1
        return self._fill(shape, contents)

    def _shape(self, conversation: Conversation) -> _Shape | None:
        """The shape of a conversation; None if it has what no layout foresees."""
        turns = []
        for message in conversation.messages:
            if message.tool_calls or message.role == "tool" or message.name:
                return None
            turns.append((message.role, message.weight, not message.content))
        key = (tuple(turns), conversation.tools)
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= LAYOUTS:
                self._shapes.clear()
            shape = self._shapes[key] = self._make(lay_out(self._template, conversation))
        return shape

    def _make(self, layout: Layout) -> _Shape:
        if layout.refused:
            return _Shape(layout, refused=layout.refused)
        starts, ends = self._borders.of(layout.pieces)
        spans = tuple(
            piece if piece.is_open else self._span(piece.fill(()), trained=bool(piece.weight))
            for piece in joined(layout.pieces)
        )
        return _Shape(layout, spans, starts, ends)

    def _obstacle(self, shape: _Shape, contents: Sequence[str]) -> str:
        """Why the contents cannot be put into the layout; empty if they can."""
        for content in contents:
            if not content:
                continue
            if content.isspace():
                return "blank texts"
            if content[0] in shape.starts or content[-1] in shape.ends:
                return "texts that touch control tokens"
            if self._borders.has_token(content):
                return "texts that hold control tokens"
            for test in shape.layout.tests:
                if holds(test, content):
                    return "texts that the chat template treats otherwise"
        return ""

    def _fill(self, shape: _Shape, contents: Sequence[str]) -> list[Span]:
        spans: list[Span] = []
        place = self._counts.place
        for span in shape.spans:
            if isinstance(span, Span):
                spans.append(span)
            else:
                text = span.fill(contents)
                spans.append(Span(span.weight != 0, place(text), hash(text)))
        return spans

    def _render(self, conversation: Conversation, reason: str) -> list[Span]:
        """Spans of a conversation that the template renders itself."""
        self.rendered[reason] += 1
        pieces = [
            SlotPiece((piece.text,), piece.weight, piece.token_id is not None)
            for piece in self._template.segments(conversation)
        ]
        return [self._span(piece.fill(()), trained=bool(piece.weight)) for piece in joined(pieces)]

    def _span(self, text: str, *, trained: bool) -> Span:
        return Span(trained, self._counts.place(text), hash(text))


def joined(pieces: Sequence[SlotPiece]) -> list[SlotPiece]:
    """Pieces with control tokens and the white space between them made one.

    White space behind a control token is cut off from it by every tokenizer that cuts there at all,
    so the tokens stay the same.
    """
    found: list[SlotPiece] = []
    last_is_token = False
    for piece in pieces:
        blank = last_is_token and not piece.is_open and piece.fill(()).isspace()
        before = found[-1] if found else None
        goes_on = piece.is_token or blank
        if before is not None and before.is_token and goes_on and before.weight == piece.weight:
            found[-1] = SlotPiece((*before.parts, *piece.parts), piece.weight, is_token=True)
        else:
            found.append(piece)
        last_is_token = piece.is_token
    return found
