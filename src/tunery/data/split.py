"""Setting rows aside that training will not see."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from tunery.data.conversation import Conversation
from tunery.data.shape.identity import question_of
from tunery.errors import DataError


class Split(NamedTuple):
    """Two sides that share no row, each in the order of the file.

    Attributes:
        kept: Rows to learn from.
        held_out: Rows to measure with.
    """

    kept: tuple[Conversation, ...]
    held_out: tuple[Conversation, ...]


def hold_out(rows: Sequence[Conversation], share: float, seed: int) -> Split:
    """Sets about a share of the rows aside, the same ones for the same seed.

    Rows with the same prompt stay together, so that no answer is measured whose question was
    learned; with many such rows the share is met only roughly.

    Args:
        rows: The rows of one file.
        share: Part to hold out, above 0 and below 1. At least one row stands on each side.
        seed: Chooses the rows.

    Raises:
        DataError: The share is out of range, or the rows have fewer than two different prompts.
    """
    if not 0 < share < 1:
        raise DataError(
            f"The share to hold out is {share}; expected above 0 and below 1.",
            "Give 0.1 to hold out a tenth of the rows.",
        )
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, row in enumerate(rows):
        groups.setdefault(question_of(row), []).append(index)
    if len(groups) < 2:
        raise DataError(
            f"{len(rows)} row(s) with {len(groups)} different prompt(s) cannot be split; "
            "expected at least 2 different prompts.",
            "Add rows, or give a file of held-out rows.",
        )
    held = _choose(list(groups.values()), max(1, round(share * len(rows))), seed)
    return Split(
        kept=tuple(row for index, row in enumerate(rows) if index not in held),
        held_out=tuple(row for index, row in enumerate(rows) if index in held),
    )


def _choose(groups: list[list[int]], wanted: int, seed: int) -> set[int]:
    """Indexes of whole groups, `wanted` of them or as near below as the shuffled order gives."""
    random.Random(seed).shuffle(groups)
    held: set[int] = set()
    for group in groups[:-1]:  # the last one stays, so that one side is never empty
        if len(held) + len(group) <= wanted:
            held.update(group)
    smallest = min(groups, key=len)
    return held or set(smallest)
