"""Values drawn from a stream, each set of them with the same chance."""

from __future__ import annotations

import random
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Reservoir(Generic[Value]):
    """A sample of a stream (reservoir sampling: Vitter 1985, algorithm R).

    Args:
        size: Most values that are kept.
        seed: Draws them.

    Attributes:
        seen: Values that were offered.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.seen = 0
        self._size = size
        self._draw = random.Random(seed).randrange
        self._kept: list[tuple[int, Value]] = []

    def add(self, value: Value) -> None:
        """Offers the next value."""
        self.seen += 1
        if len(self._kept) < self._size:
            self._kept.append((self.seen, value))
        elif (place := self._draw(self.seen)) < self._size:
            self._kept[place] = (self.seen, value)

    def values(self) -> list[Value]:
        """The sample, in the order of the stream."""
        return [value for _, value in sorted(self._kept, key=lambda kept: kept[0])]
