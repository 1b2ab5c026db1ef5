"""What is wrong with two answers, one of which is to be better."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunery.data.checks.texts import Turns
from tunery.data.findings import Finding, Place
from tunery.data.records import Preference, Record

_BIAS = 0.8
_BIAS_ROWS = 20  # with fewer rows a share of 80 % is likely by chance


def check_preference(record: Record, place: Place) -> Iterable[Finding]:
    """Answers that are empty, the same, or the same but for whitespace."""
    if not isinstance(record, Preference):
        return ()
    empty = [
        f"the {which} answer is empty; expected a text or a tool call"
        for which, turns in (("preferred", record.chosen), ("rejected", record.rejected))
        if not any(turn.content.strip() or turn.tool_calls for turn in turns)
    ]
    if empty:
        hint = "Write the answer, or remove the row."
        return [place.found("preference.empty_answer", what, hint) for what in empty]
    if _said(record.chosen) == _said(record.rejected):
        return (
            place.found(
                "preference.same_answers",
                "the preferred and the rejected answer are the same; nothing can be learned",
                "Remove the row, or put in the answer that was meant.",
            ),
        )
    if _said(record.chosen, spaces=False) == _said(record.rejected, spaces=False):
        return (
            place.found(
                "preference.same_but_space",
                "the preferred and the rejected answer differ only in whitespace",
                "Remove the row, unless whitespace is what the model is to learn.",
            ),
        )
    return ()


def _said(turns: Turns, *, spaces: bool = True) -> list[object]:
    return [
        (
            turn.role,
            turn.content if spaces else "".join(turn.content.split()),
            [(call.name, call.arguments) for call in turn.tool_calls],
        )
        for turn in turns
    ]


@dataclass(slots=True)
class LengthBias:
    """How often the better answer is the longer one.

    Attributes:
        file: Path of the file, as the user gave it.
        rows: Preferences seen.
        longer: Those whose better answer has more characters.
        shorter: Those whose better answer has fewer.
    """

    file: str = ""
    rows: int = 0
    longer: int = 0
    shorter: int = 0

    def add(self, record: Record, place: Place) -> None:
        """Counts one row; other kinds than preferences do not count."""
        self.file = self.file or place.file
        if not isinstance(record, Preference):
            return
        better = sum(len(turn.content) for turn in record.chosen)
        worse = sum(len(turn.content) for turn in record.rejected)
        self.rows += 1
        self.longer += better > worse
        self.shorter += better < worse

    def merge(self, other: LengthBias) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.rows += other.rows
        self.longer += other.longer
        self.shorter += other.shorter

    def findings(self) -> list[Finding]:
        """One finding if length alone tells nearly always which answer is better."""
        if self.rows < _BIAS_ROWS:
            return []
        for word, count in (("longer", self.longer), ("shorter", self.shorter)):
            if count > _BIAS * self.rows:
                share = f"{count:,} of {self.rows:,} rows ({count / self.rows:.0%})"
                return [
                    Place(self.file, 0).found(
                        "preference.length_bias",
                        f"the preferred answer is the {word} one in {share}; expected at most "
                        f"{_BIAS:.0%}",
                        f"Add pairs in which the better answer is not the {word} one; a model "
                        "learns the length first.",
                    )
                ]
        return []
