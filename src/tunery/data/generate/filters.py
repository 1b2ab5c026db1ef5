"""What is not wanted although its shape is right: repeats, held-out rows, refusals."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from tunery.data.generate.candidate import Candidate, Problem
from tunery.data.generate.row_check import row_problem
from tunery.data.generate.seeds import Example, example_of
from tunery.data.generate.similar import Shingles, Similar
from tunery.data.generate.support import folded
from tunery.data.read import read_conversations
from tunery.data.wording import quote

# How models begin when they refuse, in English. A refusal in other words is not recognised.
_REFUSAL = re.compile(
    r"\W*(?:(?:i['’]?m|i am|we['’]?re) (?:very |so |really )?(?:sorry|afraid)\b.{0,20}? "  # noqa: RUF001
    r"(?:but )?(?:i|we) (?:can['’]?t|cannot|can not|am unable|['’]m unable|won['’]?t)"  # noqa: RUF001
    r"|as an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|i (?:can['’]?t|cannot|can not|am unable to|am not able to|won['’]?t) "  # noqa: RUF001
    r"(?:assist|help|comply|fulfil|fulfill|provide|answer|do|discuss)\b)",
    re.IGNORECASE,
)
_REFUSAL_CHARACTERS = 200


class Filters:
    """Judges candidates in the order they come; remembers those that were kept.

    Args:
        kept: Texts that were kept, for near duplicates; None looks for exact ones alone.
        held_out: Texts that must not be learned.
    """

    def __init__(self, kept: Similar | None, held_out: Similar | None = None) -> None:
        self._kept = kept
        self._held_out = held_out
        self._exact: dict[bytes, str] = {}
        self._leaks: dict[bytes, str] = {}

    def know(self, examples: Iterable[Example]) -> None:
        """Takes seeds: a row that repeats one is not new."""
        for example in examples:
            self._remember(example.prompt, example.prompt, example.place)

    def keep_out(self, examples: Iterable[Example]) -> None:
        """Takes held-out rows."""
        for example in examples:
            self._leaks.setdefault(_digest(example.prompt), example.place)
            if self._held_out is not None:
                self._held_out.add(example.prompt, example.place)

    def judge(self, candidate: Candidate, name: str) -> Problem | None:
        """Why a candidate is not taken; None if it is, and then it is remembered.

        Args:
            candidate: The row.
            name: What the row is called where a later one repeats it.
        """
        if candidate.row is None or candidate.problem is not None:
            return candidate.problem
        problem = self._problem(candidate, candidate.row)
        if problem is None:
            self._remember(candidate.prompt, candidate.same or candidate.prompt, name)
        return problem

    def _problem(self, candidate: Candidate, row: dict[str, object]) -> Problem | None:
        if problem := row_problem(row):
            return problem
        if is_refusal(candidate.answer):
            return Problem("row.refusal", f"the answer refuses: {quote(candidate.answer)}")
        if place := self._leaks.get(_digest(candidate.prompt)):
            return Problem("row.leak", f"the prompt is that of {place}")
        if self._held_out and (place := self._held_out.find(candidate.prompt)):
            return Problem("row.leak", f"the prompt is nearly that of {place}")
        if place := self._exact.get(_digest(candidate.same or candidate.prompt)):
            return Problem("row.duplicate", f"it asks the same as {place}")
        if self._kept and (place := self._kept.find(candidate.prompt)):
            return Problem("row.near_duplicate", f"the prompt is nearly that of {place}")
        return None

    def _remember(self, prompt: str, same: str, name: str) -> None:
        self._exact.setdefault(_digest(same), name)
        if self._kept is not None:
            self._kept.add(prompt, name)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(folded(text).encode("utf-8", "replace"), digest_size=16).digest()


def is_refusal(answer: str) -> bool:
    """Whether an answer begins as models begin to refuse, in English."""
    return _REFUSAL.match(answer[:_REFUSAL_CHARACTERS]) is not None


def open_filters(near: float, held_out: Path | None, seeds: Iterable[Example] = ()) -> Filters:
    """Filters that know the seeds and the held-out rows.

    Args:
        near: Jaccard index from which texts are nearly the same; 0 compares exactly alone.
        held_out: File with rows that must not be learned.
        seeds: Rows that are there already.

    Raises:
        NotFoundError: There is no such file.
        DataError: It cannot be used.
    """
    filters = Filters(Shingles(near) if near else None, Shingles(near) if near else None)
    filters.know(seeds)
    if held_out is not None:
        filters.keep_out(example_of(row) for row in read_conversations(held_out).rows)
    return filters
