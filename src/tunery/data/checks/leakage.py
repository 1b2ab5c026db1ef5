"""Rows of validation or test files that the model has seen in training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from tunery.data.checks.digests import DigestLog, digest_of_prompt, digest_of_row
from tunery.data.checks.near import NearDuplicates
from tunery.data.checks.texts import prompt_of
from tunery.data.findings import Finding, Place
from tunery.data.records import Record


@dataclass(slots=True)
class SplitDigests:
    """What one file (training, validation or test) is compared by.

    Attributes:
        file: Path of the file, as the user gave it.
        with_near: Whether rows that are nearly the same are looked for as well.
        rows: Digest of each row.
        prompts: Digest of the prompt of each row that has one.
        near: Signatures of the rows.
    """

    file: str = ""
    with_near: bool = True
    rows: DigestLog = field(default_factory=DigestLog)
    prompts: DigestLog = field(default_factory=DigestLog)
    near: NearDuplicates = field(default_factory=NearDuplicates)

    def add(self, record: Record, place: Place) -> None:
        """Takes one row."""
        self.file = self.file or place.file
        self.rows.add(digest_of_row(record), place.line)
        if any(turn.role != "system" and turn.content.strip() for turn in prompt_of(record)):
            self.prompts.add(digest_of_prompt(record), place.line)
        if self.with_near:
            self.near.add(record, place)

    def merge(self, other: SplitDigests) -> None:
        """Takes what was seen of a later part of the same file."""
        self.file = self.file or other.file
        self.rows.merge(other.rows)
        self.prompts.merge(other.prompts)
        self.near.merge(other.near)


def leaks(train: SplitDigests, held_out: SplitDigests) -> list[Finding]:
    """One finding for each held-out row that training has too, the strongest that holds.

    Args:
        train: The rows that are learned.
        held_out: The rows that are to tell how well; the findings are about these.
    """
    found: dict[int, Finding] = {}
    for line, earlier in _same(train.rows, held_out.rows):
        said = f"the row is also line {earlier} of {train.file}"
        found[line] = _leak("leak.row", said, held_out.file, line)
    for line, earlier in _same(train.prompts, held_out.prompts):
        if line not in found:
            said = f"the prompt is also that of line {earlier} of {train.file}"
            found[line] = _leak("leak.prompt", said, held_out.file, line)
    for line, earlier, similarity in _nearly(train.near, held_out.near):
        if line not in found:
            said = f"the row is nearly the same as line {earlier} of {train.file} (estimated "
            said += f"similarity {similarity:.0%})"
            found[line] = _leak("leak.near", said, held_out.file, line)
    return [found[line] for line in sorted(found)]


def _leak(code: str, said: str, file: str, line: int) -> Finding:
    hint = "Take it out of one of the files; its score would tell nothing about new rows."
    return Place(file, line).found(code, said, hint)


def _same(train: DigestLog, held_out: DigestLog) -> Iterator[tuple[int, int]]:
    """Lines of held-out rows with the lines of the training rows that have their digest."""
    both = copy.deepcopy(train)
    both.merge(held_out)
    firsts = both.first_of_each()
    for row in np.flatnonzero(firsts[len(train) :] < len(train)) + len(train):
        yield both.lines[row], both.lines[firsts[row]]


def _nearly(train: NearDuplicates, held_out: NearDuplicates) -> Iterator[tuple[int, int, float]]:
    both = copy.deepcopy(train)
    both.merge(held_out)
    for pair in both.pairs():
        if pair.later >= len(train.lines) > pair.earlier:
            yield both.lines[pair.later], both.lines[pair.earlier], pair.similarity
