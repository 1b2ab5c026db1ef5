"""Money and requests: what was spent, and whether one more request may be sent."""

from __future__ import annotations

from dataclasses import dataclass

from tunery.data.generate.teacher import Usage
from tunery.errors import UserError

PRICED_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """What a teacher's tokens cost, in any currency, for a million of them.

    Attributes:
        input: Tokens read.
        output: Tokens written.
    """

    input: float
    output: float

    def of(self, usage: Usage) -> float:
        """What a request costs."""
        read, written = usage.prompt_tokens * self.input, usage.completion_tokens * self.output
        return (read + written) / PRICED_TOKENS


class Budget:
    """Counts what requests take, those of earlier parts of a resumed run included.

    A request is sent only if the most that it and those on their way can cost still fits, so that
    the limit holds whatever comes back. What a server charges for tries that failed is not known.

    Args:
        prices: The teacher's; None if they are not known.
        max_cost: Most money to spend; None for no limit.
        max_requests: Most requests to send; None for no limit.

    Raises:
        UserError: There is a limit for money, but no prices.
    """

    def __init__(
        self, prices: Prices | None, max_cost: float | None, max_requests: int | None
    ) -> None:
        if max_cost is not None and prices is None:
            raise UserError(
                "A limit for the cost was given, but not what tokens cost.",
                "Give --price-input and --price-output, for a million tokens.",
            )
        self._prices = prices
        self._max_cost = max_cost
        self._max_requests = max_requests
        self._under_way: dict[int, Usage] = {}
        self.requests = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.unknown = 0
        """Requests whose tokens are counted as the most they can have been."""

    @property
    def cost(self) -> float | None:
        """Money spent so far; None without prices."""
        spent = Usage(self.prompt_tokens, self.completion_tokens)
        return None if self._prices is None else self._prices.of(spent)

    def stops(self, most: Usage) -> str:
        """Why no request that takes at most so much may be sent; empty if it may."""
        if self._max_requests is not None and self.requests >= self._max_requests:
            return "max_requests"
        if self._max_cost is None or self._prices is None:
            return ""
        ahead = sum(map(self._prices.of, [*self._under_way.values(), most]))
        return "max_cost" if (self.cost or 0.0) + ahead > self._max_cost else ""

    def send(self, ordinal: int, most: Usage) -> None:
        """Counts a request that is sent; an earlier one of the number was lost."""
        if lost := self._under_way.get(ordinal):
            self._lose(ordinal, lost)
        self.requests += 1
        self._under_way[ordinal] = most

    def settle(self, ordinal: int, usage: Usage | None) -> None:
        """Counts what a request took; None if nothing was answered."""
        del self._under_way[ordinal]
        if usage is not None:
            self.prompt_tokens += usage.prompt_tokens
            self.completion_tokens += usage.completion_tokens
            self.unknown += not usage.known

    def give_up(self) -> int:
        """Counts requests whose answers were never seen at their most; returns how many."""
        lost = dict(self._under_way)
        for ordinal, most in lost.items():
            self._lose(ordinal, most)
        return len(lost)

    def _lose(self, ordinal: int, most: Usage) -> None:
        self.settle(ordinal, Usage(most.prompt_tokens, most.completion_tokens, known=False))
