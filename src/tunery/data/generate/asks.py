"""What is asked, in which order: passages, labels or tools, and examples take turns."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tunery.data.generate.passages import Passage
from tunery.data.generate.seeds import Example, choose


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for rows.

    Attributes:
        ordinal: Its number in the run, from 0; the same number asks the same after a resume.
        count: Rows that are asked for.
        passage: What they are to be about; None if only examples are given.
        target: The label or tool that they are to be for; empty if the task has none.
        examples: Rows that show what is wanted.
        avoid: Questions that were kept before and are not to be asked again.
    """

    ordinal: int
    count: int
    passage: Passage | None = None
    target: str = ""
    examples: tuple[Example, ...] = ()
    avoid: tuple[str, ...] = ()


class Order:
    """The order of asks: every passage once, in a shuffled order, then all of them again.

    Args:
        passages: What there is to ask about; none if examples alone are given.
        targets: Labels or tools, which take turns.
        examples: Seed examples.
        seed: Chooses the order and the examples.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        targets: Sequence[str],
        examples: Sequence[Example],
        seed: int,
    ) -> None:
        self._passages = list(passages)
        random.Random(seed).shuffle(self._passages)
        self._targets = targets
        self._examples = examples
        self._seed = seed

    def passage(self, ordinal: int) -> Passage | None:
        """What the ask of this number is about."""
        return self._passages[ordinal % len(self._passages)] if self._passages else None

    def ask(self, ordinal: int, count: int, avoid: Sequence[str] = ()) -> Ask:
        """The ask of a number.

        Args:
            ordinal: Its number.
            count: Rows to ask for.
            avoid: Questions that are not wanted again.
        """
        # A round later the same passage meets the next target, also where there are as many.
        turn = ordinal + (ordinal // len(self._passages) if self._passages else 0)
        return Ask(
            ordinal,
            count,
            self.passage(ordinal),
            self._targets[turn % len(self._targets)] if self._targets else "",
            choose(self._examples, ordinal, self._seed),
            tuple(avoid),
        )
