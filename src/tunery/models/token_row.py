"""The form in which a row reaches the engine: tokens and their loss weights."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One row of n tokens.

    Attributes:
        ids: Token ids, n of them.
        weights: `weights[i]` is the loss weight of predicting `ids[i]` from `ids[:i]`; 0 for a
            token that is not learned. `weights[0]` is always 0: nothing predicts the first token.
        place: Where a person finds the row, such as `train.jsonl:12`; empty if nowhere. Two rows
            that differ in nothing else are equal.
    """

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    place: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.weights):
            raise ValueError(f"{len(self.ids)} ids but {len(self.weights)} weights")
        if self.weights and self.weights[0] != 0:
            raise ValueError("the first token of a row has nothing before it to predict it from")

    @property
    def supervised(self) -> int:
        """Number of tokens with a loss weight other than 0."""
        return sum(weight != 0 for weight in self.weights)
