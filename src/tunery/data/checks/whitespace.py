"""Spaces at the edges of prompts and answers, counted over the file."""

from __future__ import annotations

from dataclasses import dataclass, field

from tunery.data.checks.texts import answer_of, last_user_text
from tunery.data.findings import Finding, Place
from tunery.data.records import Record


@dataclass(slots=True)
class _Seen:
    count: int = 0
    first: int = 0

    def add(self, line: int) -> None:
        self.first = self.first if self.count else line
        self.count += 1

    def merge(self, other: _Seen) -> None:
        self.first = self.first if self.count else other.first
        self.count += other.count


@dataclass(slots=True)
class Whitespace:
    """How many answers begin or end in whitespace, and how many prompts end in a space.

    A chat template marks where a turn begins, so an answer needs no leading space here, as it
    did for old completion models; but a model should see one way of writing.
    """

    file: str = ""
    answers: int = 0
    leading: _Seen = field(default_factory=_Seen)
    trailing: _Seen = field(default_factory=_Seen)
    prompts: int = 0
    prompt_ends: _Seen = field(default_factory=_Seen)

    def add(self, record: Record, place: Place) -> None:
        """Looks at the edges of one row."""
        self.file = self.file or place.file
        if answer := answer_of(record):
            self.answers += 1
            if answer[0].isspace():
                self.leading.add(place.line)
            if answer[-1].isspace():
                self.trailing.add(place.line)
        if prompt := last_user_text(record):
            self.prompts += 1
            if prompt[-1] in " \t\xa0":
                self.prompt_ends.add(place.line)

    def merge(self, other: Whitespace) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.answers += other.answers
        self.prompts += other.prompts
        self.leading.merge(other.leading)
        self.trailing.merge(other.trailing)
        self.prompt_ends.merge(other.prompt_ends)

    def findings(self) -> list[Finding]:
        """At most one finding for each edge, at the first line that has it."""
        found = []
        for seen, verb in ((self.leading, "begin"), (self.trailing, "end")):
            if 0 < seen.count < self.answers:
                found.append(
                    Place(self.file, seen.first).found(
                        "text.answer_spaces",
                        f"{seen.count:,} of {self.answers:,} answers {verb} in whitespace, the "
                        "others do not; this is the first",
                        "Write all answers one way; `--fix` removes whitespace at their ends.",
                    )
                )
        if self.prompt_ends.count:
            found.append(
                Place(self.file, self.prompt_ends.first).found(
                    "text.prompt_ends_in_space",
                    f"{self.prompt_ends.count:,} of {self.prompts:,} prompts end in a space; this "
                    "is the first",
                    "Remove it, or ask with the same space later: it changes the tokens.",
                )
            )
        return found
