"""What a data file is made of, and what a model would make of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunery.data.collect import Collector
from tunery.data.conversation import Conversation
from tunery.data.file import DataFile
from tunery.data.findings import Finding
from tunery.data.histogram import Histogram
from tunery.data.profile import RowProfile
from tunery.data.read_parts import in_blocks, read_parts
from tunery.data.reservoir import Reservoir
from tunery.data.sources.row import SourceRow
from tunery.errors import DataError
from tunery.models.chat_template import ChatTemplate
from tunery.pipelines.row_tokens import CutRows, RowTokens
from tunery.pipelines.shared_beginnings import BATCHED_ROWS, BatchSharing, batch_sharing
from tunery.train.hyperparameters import batch_size as auto_batch_size

EXAMPLES = 3
"""Rows that are shown."""


@dataclass(frozen=True, slots=True)
class TokenProfile:
    """The tokens of a file.

    Attributes:
        rows: Rows that the template can render.
        without: Rows of a kind that is no conversation, whose tokens are not counted.
        limit: Longest row that is trained, in tokens.
        lengths: Tokens of a row.
        trained: Trained tokens of a row.
        context: The other tokens of a row.
        cut: Rows that are too long.
        unique: Tokens of all rows together if what they begin with were computed once, counted
            on whole spans of text: at most so many.
        batches: What batches save.
        distinct_texts: Texts that were tokenized.
        assembled: Rows that needed no rendering.
        rendered: Rows that the template rendered, with the reason.
        forgot: Whether there were more distinct texts than are remembered.
    """

    rows: int
    without: int
    limit: int
    lengths: Histogram
    trained: Histogram
    context: Histogram
    cut: CutRows
    unique: int
    batches: BatchSharing
    distinct_texts: int
    assembled: int
    rendered: dict[str, int]
    forgot: bool

    @property
    def trained_share(self) -> float:
        """Share of the tokens that are trained."""
        return self.trained.total / self.lengths.total if self.lengths.total else 0.0

    @property
    def shared_in_file(self) -> float:
        """Share of the tokens that all rows of the file would save in one batch: an upper bound."""
        return 1 - self.unique / self.lengths.total if self.lengths.total else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A file, its rows, its tokens, and what is wrong with it.

    Attributes:
        file: How it was read.
        total: Rows of the file.
        looked_at: Rows that were looked at: all, or those of a sample.
        used: Those of them that can be trained on.
        findings: What is wrong, in the order of the file.
        rows: Its rows.
        tokens: Its tokens.
        examples: A few rows, drawn by the seed, in the order of the file.
    """

    file: DataFile
    total: int
    looked_at: int
    used: int
    findings: tuple[Finding, ...]
    rows: RowProfile
    tokens: TokenProfile
    examples: tuple[Conversation, ...]

    @property
    def duplicates(self) -> int:
        """Rows that say the same as an earlier one."""
        return sum(finding.code == "row.duplicate" for finding in self.findings)


def profile_file(
    file: DataFile,
    template: ChatTemplate,
    context: int,
    *,
    near: bool = False,
    sample: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    on_rows: Callable[[int], None] = lambda _: None,
) -> Profile:
    """Reads, checks and profiles a file, row by row.

    Args:
        file: How it is read.
        template: The model's.
        context: Longest row that the model takes, in tokens.
        near: Look for rows that are nearly the same as an earlier one as well.
        sample: Look only at so many rows, drawn by the seed.
        batch_size: Rows in a batch of the run; what `auto` chooses by default.
        seed: Draws the sample, the examples and the batches.
        on_rows: Told now and then how many rows more were counted.

    Raises:
        DataError: The file as a whole cannot be used, or holds no rows.
    """
    path = file.name
    collector, rows = Collector(path, advice=True, near=near), RowProfile()
    tokens = RowTokens(template, context, path)
    drawn: Reservoir[Conversation] = Reservoir(BATCHED_ROWS, seed)
    without = 0
    chosen = None if sample is None else draw(file, sample, seed)
    if chosen is None:
        parts = read_parts(file, near=near)
    else:
        parts = in_blocks(map(file.row_reader(), chosen.values()), path, near=near)
    for part in parts:
        collector.merge(part.collector)
        rows.merge(part.rows)
        without += part.without
        for conversation in part.conversations:
            if tokens.add(conversation):
                drawn.add(conversation)
        on_rows(len(part.conversations))
    tokens.finish()
    if not collector.total:
        raise DataError(f"{path} holds no rows; expected at least one.", "Put rows into the file.")
    total = collector.total if chosen is None else chosen.seen
    left_out = sum(found.severity == "error" for found in tokens.findings)
    found = sorted([*collector.findings(), *tokens.findings], key=lambda found: found.line)
    size = batch_size or auto_batch_size(max(1, round(drawn.seen * total / collector.total)))[0]
    whole = sample is None and drawn.seen <= BATCHED_ROWS
    shown = drawn.values()
    return Profile(
        file=file,
        total=total,
        looked_at=collector.total,
        used=collector.used - left_out,
        findings=tuple(found),
        rows=rows,
        tokens=_token_profile(
            tokens, without, context, batch_sharing(shown, template, size, seed, whole=whole)
        ),
        examples=tuple(some(shown, EXAMPLES, seed)),
    )


def _token_profile(
    tokens: RowTokens, without: int, limit: int, batches: BatchSharing
) -> TokenProfile:
    return TokenProfile(
        rows=tokens.lengths.n,
        without=without,
        limit=limit,
        lengths=tokens.lengths,
        trained=tokens.trained,
        context=tokens.context,
        cut=tokens.cut,
        unique=tokens.beginnings.tokens,
        batches=batches,
        distinct_texts=tokens.counts.distinct,
        assembled=tokens.spans.assembled,
        rendered=dict(tokens.spans.rendered),
        forgot=tokens.counts.is_full,
    )


def draw(file: DataFile, wanted: int, seed: int) -> Reservoir[SourceRow]:
    """A sample of the rows of a file, not yet read."""
    chosen: Reservoir[SourceRow] = Reservoir(wanted, seed)
    for row in file.source_rows():
        chosen.add(row)
    return chosen


def some(rows: Sequence[Conversation], number: int, seed: int) -> list[Conversation]:
    """A few of the rows, drawn, in their order."""
    places = random.Random(seed).sample(range(len(rows)), min(number, len(rows)))
    return [rows[place] for place in sorted(places)]
