"""The answers of a file seen as labels, where they are: few, short, and repeated."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from tunery.data.checks.texts import learned_turns
from tunery.data.conversation import Conversation
from tunery.data.findings import Finding, Place
from tunery.data.records import Record
from tunery.data.wording import listed

LABEL_CHARACTERS = 80
MOST_LABELS = 1_000
_FEWEST_ROWS = 10
_LONG_SHARE = 0.02  # answers that may be too long for a label
_ROWS_PER_LABEL = 3  # on average, or the answers are no labels
_IMBALANCE = 10
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(slots=True)
class Labels:
    """How often each short answer occurs, while they are at most `MOST_LABELS`.

    Attributes:
        file: Path of the file, as the user gave it.
        rows: Conversations with an answer.
        long: Those whose answer is too long for a label.
        counts: For each label its rows and its first line.
        overflow: Whether there were more labels than are kept; `counts` is empty then.
    """

    file: str = ""
    rows: int = 0
    long: int = 0
    counts: dict[str, list[int]] = field(default_factory=dict)
    overflow: bool = False

    def add(self, record: Record, place: Place) -> None:
        """Takes one row."""
        self.file = self.file or place.file
        if not isinstance(record, Conversation) or not (turns := learned_turns(record)):
            return
        self.rows += 1
        label = turns[-1].content
        if not label or len(label) > LABEL_CHARACTERS or turns[-1].tool_calls:
            self.long += 1
        else:
            self._count(label, 1, place.line)

    def merge(self, other: Labels) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.rows += other.rows
        self.long += other.long
        for label, (count, line) in other.counts.items():
            self._count(label, count, line)
        if other.overflow:
            self.overflow = True
            self.counts.clear()

    def _count(self, label: str, count: int, line: int) -> None:
        if self.overflow:
            return
        self.counts.setdefault(label, [0, line])[0] += count
        if len(self.counts) > MOST_LABELS:
            self.overflow = True
            self.counts.clear()

    @property
    def are_labels(self) -> bool:
        """Whether the answers look like those of a classification."""
        return (
            self.rows >= _FEWEST_ROWS
            and 2 <= len(self.counts) <= self.rows / _ROWS_PER_LABEL
            and self.long <= _LONG_SHARE * self.rows
        )

    def findings(self) -> list[Finding]:
        """What is odd about the labels; nothing if the answers are none."""
        if not self.are_labels:
            return []
        found = self._spelling()
        rare = [label for label, (count, _) in self.counts.items() if count == 1]
        if rare:
            found.append(
                Place(self.file, self.counts[rare[0]][1]).found(
                    "label.rare",
                    f"{len(rare):,} of {len(self.counts):,} labels have a single row: "
                    f"{listed(rare)}",
                    "Add rows for them, or see whether they are misspelled.",
                )
            )
        most, (largest, _) = max(self.counts.items(), key=lambda item: item[1][0])
        least, (smallest, _) = min(self.counts.items(), key=lambda item: item[1][0])
        if largest >= _IMBALANCE * smallest:
            found.append(
                Place(self.file, 0).found(
                    "label.imbalance",
                    f"{listed([most])} has {largest:,} rows, {listed([least])} has {smallest:,}; "
                    f"expected less than {_IMBALANCE} times as many",
                    "Add rows of the rare labels, or judge the model by the score of each label.",
                )
            )
        return found

    def _spelling(self) -> list[Finding]:
        alike: dict[str, list[str]] = defaultdict(list)
        for label in self.counts:
            # A label of signs alone (+, -) has no letters to compare.
            alike[_NO_LETTERS.sub("", label).casefold() or label].append(label)
        return [
            Place(self.file, self.counts[labels[1]][1]).found(
                "label.spelling",
                f"the labels {listed(labels)} differ only in case, spaces or punctuation",
                "Write them one way; the model would learn them as different labels.",
            )
            for labels in alike.values()
            if len(labels) > 1
        ]


def unseen_labels(train: Labels, held_out: Labels) -> list[Finding]:
    """Labels of validation or test rows that no training row has."""
    if not train.are_labels or held_out.overflow or held_out.long > _LONG_SHARE * held_out.rows:
        return []
    unseen = [label for label in held_out.counts if label not in train.counts]
    if not unseen:
        return []
    return [
        Place(held_out.file, held_out.counts[unseen[0]][1]).found(
            "label.unseen",
            f"{len(unseen):,} of {len(held_out.counts):,} labels do not occur in "
            f"{train.file or 'the training rows'}: {listed(unseen)}",
            "Add training rows for them, or take them out; the model cannot learn them.",
        )
    ]
