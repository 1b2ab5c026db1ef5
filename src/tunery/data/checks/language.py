"""Which languages a file is written in, by a sample of its rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple
from zlib import crc32

from py3langid.langid import (  # type: ignore[import-untyped]
    MODEL_FILE,
    LanguageIdentifier,
)

from tunery.data.checks.texts import answer_of, last_user_text, whole_text
from tunery.data.findings import Finding, Place
from tunery.data.records import Record

SAMPLE = 1_000
"""Rows looked at: the share of a language is known to 3 percentage points or better."""
_SHOWN_TO_MODEL = 500  # characters of each text
_LETTERS = 40  # with fewer the language is a guess
_SURE = 0.9
_OTHERS = 0.05


class _Sampled(NamedTuple):
    rank: int
    line: int
    prompt: str
    answer: str


@dataclass(slots=True)
class LanguageMix:
    """The rows whose checksums are the smallest: a random sample that is the same in any order.

    Attributes:
        file: Path of the file, as the user gave it.
        rows: Rows seen.
        sample: At most twice `SAMPLE` of them, cut to `SAMPLE` from time to time.
    """

    file: str = ""
    rows: int = 0
    sample: list[_Sampled] = field(default_factory=list)
    _bound: int = 1 << 32

    def add(self, record: Record, place: Place) -> None:
        """Takes one row."""
        self.file = self.file or place.file
        self.rows += 1
        # The line keeps rows that say the same from being all in or all out of the sample.
        rank = crc32(whole_text(record)[1], crc32(str(place.line).encode()))
        if rank <= self._bound:
            prompt, answer = last_user_text(record), answer_of(record)
            # The end of a prompt is its question, before it may stand a foreign passage.
            self.sample.append(
                _Sampled(rank, place.line, prompt[-_SHOWN_TO_MODEL:], answer[:_SHOWN_TO_MODEL])
            )
            if len(self.sample) >= 2 * SAMPLE:
                self._cut()

    def merge(self, other: LanguageMix) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.rows += other.rows
        self.sample += other.sample
        self._cut()

    def _cut(self) -> None:
        self.sample = sorted(self.sample)[:SAMPLE]
        if len(self.sample) == SAMPLE:
            self._bound = self.sample[-1].rank

    def findings(self) -> list[Finding]:
        """At most one finding about the rows, and one about prompts and their answers."""
        self._cut()
        told = [(language_of(row.prompt), language_of(row.answer)) for row in self.sample]
        known = [language for pair in told if (language := pair[1] or pair[0])]
        found = []
        counts = Counter(known)
        if known:
            majority, most = counts.most_common(1)[0]
            others = len(known) - most
            if others > _OTHERS * len(known):
                named = ", ".join(f"{name} {count}" for name, count in counts.most_common(6))
                found.append(
                    self._found(
                        "language.mix",
                        f"rows are in other languages than {majority}",
                        others,
                        len(known),
                        f"found: {named}",
                    )
                )
        pairs = [(asked, said) for asked, said in told if asked and said]
        apart = Counter(pair for pair in pairs if pair[0] != pair[1])
        if apart.total() > _OTHERS * len(pairs):
            (asked, said), _ = apart.most_common(1)[0]
            found.append(
                self._found(
                    "language.mismatch",
                    "answers are in another language than their prompts",
                    apart.total(),
                    len(pairs),
                    f"mostly {asked} answered in {said}",
                )
            )
        return found

    def _found(self, code: str, what: str, count: int, of: int, detail: str) -> Finding:
        from scipy.stats import binomtest  # half a second, for a file that is mixed

        low, high = binomtest(count, of).proportion_ci(0.95, method="wilson")
        return Place(self.file, 0).found(
            code,
            f"{count / of:.0%} of the {of:,} rows whose language could be told (95 % interval "
            f"{low:.1%} to {high:.1%}; {len(self.sample):,} of {self.rows:,} rows were looked "
            f"at): {what}; {detail}",
            "Nothing to do if it is meant so; if not, take the others out.",
        )


def language_of(text: str) -> str:
    """The ISO 639 code of the text's language; empty if it is short or not clear."""
    letters = sum(map(str.isalpha, text))
    # Scripts with a character a word say as much with a quarter of the letters.
    if letters < (_LETTERS if text.isascii() or ord(max(text)) < 0x3040 else _LETTERS // 4):
        return ""
    language, probability = _identifier().classify(text)
    return str(language) if probability >= _SURE else ""


@cache
def _identifier() -> LanguageIdentifier:
    # The module's own functions give no probabilities; reading the model takes half a second.
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
