"""Texts that say nearly the same."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import Protocol

from tunery.data.generate.support import words_of

SHINGLE_WORDS = 3


class Similar(Protocol):
    """Texts, each with the name of the place that it is from."""

    def find(self, text: str) -> str | None:
        """The name of a text that is nearly this one; None if there is none."""
        ...

    def add(self, text: str, name: str) -> None:
        """Takes a text."""
        ...


class Shingles:
    """Compares by the Jaccard index of the sets of three words in a row.

    Exact, by an index from shingles to texts, which is held in memory: for the rows of one run,
    not for files of millions.

    Args:
        threshold: Index from which texts are nearly the same, above 0 and at most 1.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._names: list[str] = []
        self._sizes: list[int] = []
        self._texts: defaultdict[bytes, list[int]] = defaultdict(list)

    def find(self, text: str) -> str | None:
        """As `Similar` has it."""
        shingles = _shingles(text)
        shared: Counter[int] = Counter()
        for shingle in shingles:
            shared.update(self._texts.get(shingle, ()))
        for index, count in shared.most_common():
            if count / (len(shingles) + self._sizes[index] - count) >= self._threshold:
                return self._names[index]
        return None

    def add(self, text: str, name: str) -> None:
        """As `Similar` has it."""
        shingles = _shingles(text)
        for shingle in shingles:
            self._texts[shingle].append(len(self._names))
        self._names.append(name)
        self._sizes.append(len(shingles))


def _shingles(text: str) -> set[bytes]:
    words = words_of(text)
    starts = range(max(1, len(words) - SHINGLE_WORDS + 1))
    runs = {" ".join(words[start : start + SHINGLE_WORDS]) for start in starts}
    return {hashlib.blake2b(run.encode("utf-8", "replace"), digest_size=8).digest() for run in runs}
