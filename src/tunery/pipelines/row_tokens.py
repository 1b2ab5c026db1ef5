"""Token lengths of a stream of rows, counted without making the tokens of each row.

Rows are gathered in blocks. While one block is read, the tokenizer works on the texts of another.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.histogram import Histogram
from tunery.errors import TuneryError
from tunery.models.chat_template import ChatTemplate
from tunery.models.spans import Spans
from tunery.models.token_counts import TokenCounts
from tunery.pipelines.shared_beginnings import SpanTrie

BLOCK_ROWS = 4096


@dataclass(slots=True)
class CutRows:
    """Rows that are longer than the limit, and what would be lost if they were cut there.

    Attributes:
        rows: How many there are.
        tokens: Tokens beyond the limit.
        trained: Trained tokens beyond the limit.
        without_answer: Rows of which no trained token would be left.
    """

    rows: int = 0
    tokens: int = 0
    trained: int = 0
    without_answer: int = 0


@dataclass(slots=True)
class _Block:
    """Rows whose spans are known, their counts not yet."""

    lines: array[int] = field(default_factory=lambda: array("q"))
    starts: array[int] = field(default_factory=lambda: array("q"))
    places: array[int] = field(default_factory=lambda: array("q"))
    trained: bytearray = field(default_factory=bytearray)
    nodes: array[int] = field(default_factory=lambda: array("q"))


class RowTokens:
    """Counts the tokens of rows.

    Args:
        template: Renders them.
        limit: Longest row that is trained, in tokens.
        file: Path of the file, for findings.

    Attributes:
        lengths: Tokens of a row.
        trained: Trained tokens of a row.
        context: The other tokens of a row.
        cut: Rows that are too long.
        findings: Rows that cannot be trained.
        beginnings: What rows have in common.
        spans: How the rows were cut.
        counts: What was tokenized.
    """

    def __init__(self, template: ChatTemplate, limit: int, file: str) -> None:
        self._limit = limit
        self._file = file
        self.counts = TokenCounts(template.tokenizer)
        self.spans = Spans(template, self.counts)
        self.beginnings = SpanTrie()
        self.lengths, self.trained, self.context = Histogram(), Histogram(), Histogram()
        self.cut = CutRows()
        self.findings: list[Finding] = []
        self._block = _Block()
        self._full: _Block | None = None

    def add(self, conversation: Conversation) -> bool:
        """Takes one row; whether the template can render it."""
        try:
            spans = self.spans.of(conversation)
        except TuneryError as error:
            place = Place(self._file, conversation.line)
            self.findings.append(place.found("row.template", error.message, error.hint))
            return False
        block = self._block
        block.lines.append(conversation.line)
        block.starts.append(len(block.places))
        node = 0
        for trained, place_, key in spans:
            node = hash((node, key))
            block.places.append(place_)
            block.trained.append(trained)
            block.nodes.append(node)
        if not spans:  # a row without a turn to learn; one empty span keeps it in the counts
            block.places.append(self.counts.place(""))
            block.trained.append(0)
            block.nodes.append(0)
        if len(block.lines) >= BLOCK_ROWS:
            self._next()
        return True

    def finish(self) -> None:
        """Counts what is left."""
        self._next()
        self._next()
        self.findings.sort(key=lambda finding: finding.line)
        self.counts.close()

    def _next(self) -> None:
        if self._full is not None and self._full.lines:
            self._count(self._full)
        self._full, self._block = self._block, _Block()

    def _count(self, block: _Block) -> None:
        sizes = self.counts.counts(np.frombuffer(block.places, dtype=np.int64))
        trained = np.where(np.frombuffer(block.trained, dtype=np.uint8), sizes, 0)
        starts = np.frombuffer(block.starts, dtype=np.int64)
        lengths = np.add.reduceat(sizes.astype(np.int64), starts)
        learned = np.add.reduceat(trained.astype(np.int64), starts)
        for histogram, values in (
            (self.lengths, lengths),
            (self.trained, learned),
            (self.context, lengths - learned),
        ):
            found, times = np.unique(values, return_counts=True)
            histogram.add_many(zip(found.tolist(), times.tolist(), strict=True))
        self.beginnings.add(np.frombuffer(block.nodes, dtype=np.int64), sizes)
        ends = np.append(starts[1:], len(sizes))
        for row in np.flatnonzero(lengths > self._limit).tolist():
            inside = slice(int(starts[row]), int(ends[row]))
            self._cut(block.lines[row], sizes[inside], trained[inside])
        for row in np.flatnonzero((learned == 0) & (lengths <= self._limit)).tolist():
            self._found(
                block.lines[row],
                "row.nothing_trained",
                "No token of the row would be trained: every assistant turn has weight 0.",
                "Give an assistant turn weight 1, or remove the row.",
            )

    def _cut(self, line: int, sizes: NDArray[np.int32], trained: NDArray[np.int32]) -> None:
        length, learned = int(sizes.sum()), int(trained.sum())
        ends = np.cumsum(sizes)
        kept = np.clip(self._limit - (ends - sizes), 0, sizes)  # tokens of each span that fit
        left = int(kept[trained > 0].sum())
        self.cut.rows += 1
        self.cut.tokens += length - self._limit
        self.cut.trained += learned - left
        self.cut.without_answer += left == 0
        self._found(
            line,
            "row.too_long",
            f"The row has {length} tokens; expected at most {self._limit}. Cut there, it would "
            f"lose {learned - left} of its {learned} trained tokens.",
            "Shorten it, or raise data.max_tokens if the model's context allows.",
        )

    def _found(self, line: int, code: str, message: str, hint: str) -> None:
        self.findings.append(Place(self._file, line).found(code, message, hint))
