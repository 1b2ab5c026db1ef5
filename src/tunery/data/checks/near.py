"""Rows that are nearly the same as an earlier row.

MinHash with banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets",
chapter 3): rows whose sets of word triples are alike agree in many of `PERMUTATIONS` minima. Rows
that agree in a whole band of them are compared. All is linear in rows but one sort of numbers a
band; a million rows keep 200 MB.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
from rensa import RMinHash  # type: ignore[import-untyped]

from tunery.data.checks.texts import answer_of, last_user_text, turns_of
from tunery.data.findings import Finding, Place
from tunery.data.records import Record

BANDS = 12
BAND_ROWS = 5
PERMUTATIONS = BANDS * BAND_ROWS
TAIL_PERMUTATIONS = 20
LIMIT = 100_000
"""Characters of a row that are compared; what follows is not."""
THRESHOLD = 0.8
_TAIL_THRESHOLD = 0.5
_SEED = 20_917
_WIDTH = PERMUTATIONS + TAIL_PERMUTATIONS

Signatures = npt.NDArray[np.uint16]


class Pair(NamedTuple):
    """Two rows that are nearly the same.

    Attributes:
        earlier: Index of the first one.
        later: Index of the other.
        similarity: Estimated Jaccard similarity of their word triples, from 0 to 1.
    """

    earlier: int
    later: int
    similarity: float


@dataclass(slots=True)
class NearDuplicates:
    """Signatures of the rows of a file.

    System prompts are left out, since rows share them by nature. For the same reason the ends of
    rows (last paragraph of the prompt, and answer) must be alike too: questions about one long
    passage are not the same question.

    Attributes:
        file: Path of the file, as the user gave it.
        signatures: The lower 16 bits of each minimum, row after row.
        exact: Checksum of the text of each row: equal rows are another check's matter.
        lines: Line of each row.
    """

    file: str = ""
    signatures: bytearray = field(default_factory=bytearray)
    exact: array[int] = field(default_factory=lambda: array("Q"))
    lines: array[int] = field(default_factory=lambda: array("q"))

    def add(self, record: Record, place: Place) -> None:
        """Takes one row."""
        self.file = self.file or place.file
        text = _compared(record)
        if not text.strip():
            return
        data = text.encode("utf-8", "surrogatepass")
        self.exact.append(crc32(data) << 32 | crc32(data, 0x5EED))
        self.lines.append(place.line)
        self.signatures += _signature(text.lower(), PERMUTATIONS)
        self.signatures += _signature(_tail(record).lower(), TAIL_PERMUTATIONS)

    def merge(self, other: NearDuplicates) -> None:
        """Takes what was seen of a later part of the file."""
        self.file = self.file or other.file
        self.signatures += other.signatures
        self.exact += other.exact
        self.lines += other.lines

    def findings(self) -> list[Finding]:
        """One finding for each row that is nearly the same as an earlier one."""
        return [
            Place(self.file, self.lines[pair.later]).found(
                "row.near_duplicate",
                f"the row is nearly the same as line {self.lines[pair.earlier]} (estimated "
                f"similarity {pair.similarity:.0%}, expected below {THRESHOLD:.0%})",
                "Remove one of them; rows that repeat count twice.",
            )
            for pair in self.pairs()
        ]

    def pairs(self) -> list[Pair]:
        """For each row that has one, the first row found that is nearly the same.

        In a group that agrees in a band each row is compared with the first and with its
        neighbour, not with all: two comparisons a row, at the cost of a pair seldom missed.
        """
        rows = len(self.lines)
        if rows < 2:
            return []
        table = np.frombuffer(bytes(self.signatures), np.uint16).reshape(rows, _WIDTH)
        exact = np.frombuffer(self.exact, np.uint64)
        best = np.full(rows, rows, np.int64)
        similarity = np.zeros(rows)
        for band in range(BANDS):
            keys = _band_keys(table, band)
            order = np.argsort(keys, kind="stable")
            starts = np.r_[True, keys[order][1:] != keys[order][:-1]]
            first = order[starts][np.cumsum(starts) - 1]
            neighbour = np.r_[order[0], order[:-1]]
            for earlier, inside in ((first, order != first), (neighbour, ~starts)):
                pairs = np.stack([earlier[inside], order[inside]])
                pairs = pairs[:, exact[pairs[0]] != exact[pairs[1]]]
                whole = _agreement(table[:, :PERMUTATIONS], pairs)
                ends = _agreement(table[:, PERMUTATIONS:], pairs)
                alike = (whole >= THRESHOLD) & (ends >= _TAIL_THRESHOLD)
                better = alike & (pairs[0] < best[pairs[1]])
                best[pairs[1][better]] = pairs[0][better]
                similarity[pairs[1][better]] = whole[better]
        return [
            Pair(int(best[row]), int(row), float(similarity[row]))
            for row in np.flatnonzero(best < rows)
        ]


def _compared(record: Record) -> str:
    pieces = []
    for turn in turns_of(record):
        if turn.role not in ("system", "developer"):
            pieces.append(turn.content[:LIMIT])
            pieces += [f"{call.name} {call.arguments[:LIMIT]}" for call in turn.tool_calls]
    return "\n".join(pieces)[:LIMIT]


def _tail(record: Record) -> str:
    prompt = last_user_text(record)[-LIMIT:].rstrip()
    answer = answer_of(record)[:LIMIT]
    return f"{prompt[prompt.rfind(chr(10)) + 1 :]}\n{answer}"


def _signature(text: str, permutations: int) -> bytes:
    sketch = RMinHash(num_perm=permutations, seed=_SEED)
    sketch.update(_shingles(text))
    return np.array(sketch.digest(), np.uint32).astype(np.uint16).tobytes()


def _shingles(text: str) -> list[str]:
    """Triples of words; of characters where a script writes no spaces."""
    words = text.encode("utf-8", "replace").decode().split()
    if len(words) * 25 < len(text):
        letters = "".join(words)
        return list(map("".join, zip(letters, letters[1:], letters[2:], strict=False)))
    if len(words) < 3:
        return [" ".join(words)]
    return list(map(" ".join, zip(words, words[1:], words[2:], strict=False)))


def _band_keys(table: Signatures, band: int) -> npt.NDArray[np.uint64]:
    """One number for each row that stands for its minima in the band: [rows]."""
    keys = np.zeros(len(table), np.uint64)
    for column in range(band * BAND_ROWS, (band + 1) * BAND_ROWS):
        keys = (keys ^ table[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def _agreement(table: Signatures, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The share of minima in which each pair agrees: [pairs]."""
    shares = np.empty(pairs.shape[1])
    for start in range(0, pairs.shape[1], 100_000):  # bounds the memory
        some = pairs[:, start : start + 100_000]
        shares[start : start + 100_000] = (table[some[0]] == table[some[1]]).mean(axis=1)
    return shares
