"""What is kept of rows: digests and lines, in two flat buffers.

A list of Python bytes would cost five times as much; a million rows are 24 MB here.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from tunery.data.checks.texts import Turns, prompt_of, tools_of, turns_of
from tunery.data.records import Judged, Preference, Record, Reinforcement

DIGEST_BYTES = 16
_BETWEEN = "\x1f"  # the unit separator, which next to no text holds

Indices = npt.NDArray[np.int64]


def digest(*texts: str) -> bytes:
    """16 bytes that stand for the texts in this order (BLAKE2b)."""
    said = _BETWEEN.join(texts)
    if said.count(_BETWEEN) >= len(texts):  # lengths keep ("ab", "c") and ("a", "bc") apart, too
        said += "".join(f"{_BETWEEN}{len(text)}" for text in texts)
    return blake2b(said.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


_prompt_seen: tuple[Record, bytes] | None = None


def digest_of_prompt(record: Record) -> bytes:
    """Stands for what the model is given: tools and the turns before the last answer.

    The last one is kept, since several checks ask for it.
    """
    global _prompt_seen
    if _prompt_seen is not None and _prompt_seen[0] is record:
        return _prompt_seen[1]
    made = digest(tools_of(record), *_said(prompt_of(record)))
    _prompt_seen = record, made
    return made


def digest_of_row(record: Record) -> bytes:
    """Stands for all that the row teaches; identifiers of tool calls do not count."""
    extra = [type(record).__name__, digest_of_prompt(record).hex()]
    rest = turns_of(record)[len(prompt_of(record)) :]
    if isinstance(record, Preference):
        extra.append(str(len(record.chosen)))
    elif isinstance(record, Judged):
        extra.append(str(record.good))
    elif isinstance(record, Reinforcement):
        extra.append(record.item)
    return digest(*extra, *_said(rest))


def _said(turns: Turns) -> list[str]:
    parts: list[str] = []
    for turn in turns:
        # An assistant turn without a weight has the weight 1.
        weighed = turn.role == "assistant" and turn.weight not in (None, 1)
        role = f"{turn.role} {turn.weight}" if weighed else turn.role
        parts += (role, turn.content, turn.name)
        for call in turn.tool_calls:
            parts += (call.name, call.arguments)
    return parts


@dataclass(slots=True)
class DigestLog:
    """The digest and the line of each row, in the order of the file."""

    digests: bytearray = field(default_factory=bytearray)
    lines: array[int] = field(default_factory=lambda: array("q"))

    def add(self, value: bytes, line: int) -> None:
        """Takes one row's digest of `DIGEST_BYTES` bytes."""
        self.digests += value
        self.lines.append(line)

    def merge(self, other: DigestLog) -> None:
        """Takes the rows of a later part of the file."""
        self.digests += other.digests
        self.lines += other.lines

    def __len__(self) -> int:
        return len(self.lines)

    def first_of_each(self) -> Indices:
        """For each row the index of the first row with the same digest: [rows]."""
        if not self.lines:
            return np.zeros(0, np.int64)
        pairs = np.frombuffer(bytes(self.digests), dtype="<u8").reshape(-1, 2)
        order = np.lexsort((pairs[:, 1], pairs[:, 0]))  # stable: earlier rows first
        ranked = pairs[order]
        starts = np.r_[True, (ranked[1:] != ranked[:-1]).any(axis=1)]
        firsts = np.empty(len(order), np.int64)
        firsts[order] = order[starts][np.cumsum(starts) - 1]
        return firsts
