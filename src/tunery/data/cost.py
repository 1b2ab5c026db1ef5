"""What a training costs and when it has paid for itself: pure functions, money in US dollars.

    tokens = billed_tokens(lengths, entry.longest_row) * epochs
    training = tokens / MILLION * entry.training
    break_even(training, saving, requests_per_day=5000).requests

At a hosted service every token of every epoch is billed, trained or not; a row longer than the
service trains on is cut and billed as cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tunery.data.prices import PriceEntry, TokenPrices
from tunery.errors import UserError

MILLION = 1_000_000
SECONDS_AN_HOUR, HOURS_A_DAY = 3600, 24

MOST = 1e9
"""Largest number of tokens, requests, watts or dollars that is taken for meant."""

LEAST_SAVING = 1e-12
"""A smaller difference between two requests, in dollars, comes from rounding, not from prices."""


@dataclass(frozen=True, slots=True)
class Requests:
    """What the tuned model will be asked.

    Attributes:
        prompt_tokens: Of a request to the tuned model, on average.
        answer_tokens: Of an answer, on average.
        saved_tokens: Prompt tokens that the model before the training needs besides.
        saved_cached: Of these, tokens that are billed as cached input.
        per_day: How many; None where nobody said.
    """

    prompt_tokens: float
    answer_tokens: float
    saved_tokens: float = 0.0
    saved_cached: float = 0.0
    per_day: float | None = None

    def __post_init__(self) -> None:
        _check("prompt tokens saved", self.saved_tokens)
        _check("cached prompt tokens", self.saved_cached)
        if self.per_day is not None:
            _check("requests a day", self.per_day)
        if self.per_day == 0:
            raise UserError("There are 0 requests a day; expected more.", "Leave the number out.")
        if self.saved_cached > self.saved_tokens:
            raise UserError(
                f"{self.saved_cached:g} cached prompt tokens are given, but only "
                f"{self.saved_tokens:g} prompt tokens are saved.",
                "Cached tokens are a part of those that are saved.",
            )


@dataclass(frozen=True, slots=True)
class BreakEven:
    """After how many requests a training has paid for itself.

    Attributes:
        saving: What one request costs less than before, without hosting; below 0 if more.
        requests: The first number of requests after which the tuned model was not dearer; None
            if there is none.
        days: How long that takes; None where it is not known how many requests a day has.
        reason: Why there is none; empty if there is one.
    """

    saving: float
    requests: int | None
    days: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class HostedCost:
    """A training at one hosted service.

    Attributes:
        name: Of the entry.
        entry: Its prices.
        tokens: Billed, over all epochs.
        cut_rows: Rows that are longer than the service trains on.
        training: Price of the training.
        hosting_per_day: Price of a day on which the tuned model can be asked.
        break_even: None where prices of requests or the saved tokens are not known.
    """

    name: str
    entry: PriceEntry
    tokens: int
    cut_rows: int
    training: float
    hosting_per_day: float
    break_even: BreakEven | None


@dataclass(frozen=True, slots=True)
class MachinePrices:
    """What this machine costs while it trains; nothing where nothing is said.

    Attributes:
        per_hour: Rent, or what an hour is worth.
        watts: Drawn from the mains while it trains.
        per_kwh: Price of a kilowatt-hour.
    """

    per_hour: float = 0.0
    watts: float = 0.0
    per_kwh: float = 0.0

    def __post_init__(self) -> None:
        _check("price of an hour", self.per_hour)
        _check("watts", self.watts)
        _check("price of a kilowatt-hour", self.per_kwh)


@dataclass(frozen=True, slots=True)
class MachineCost:
    """A training on this machine.

    Attributes:
        rent: Hours times their price.
        kwh: Energy.
        energy: Its price.
    """

    rent: float
    kwh: float
    energy: float

    @property
    def total(self) -> float:
        """Rent and energy."""
        return self.rent + self.energy


def _check(name: str, number: float) -> None:
    if not 0 <= number <= MOST:  # false for NaN too
        raise UserError(f"The {name} is {number}; expected 0 to {MOST:,.0f}.", "Correct it.")


def billed_tokens(lengths: Iterable[int], longest_row: int | None) -> int:
    """Tokens of one epoch that a service bills.

    Args:
        lengths: Tokens of each row.
        longest_row: More tokens of a row are neither trained nor billed; None for no limit.
    """
    return sum(length if longest_row is None else min(length, longest_row) for length in lengths)


def machine_cost(seconds: float, prices: MachinePrices) -> MachineCost:
    """Price of a training that takes so long here."""
    hours = seconds / SECONDS_AN_HOUR
    kwh = hours * prices.watts / 1000
    return MachineCost(rent=hours * prices.per_hour, kwh=kwh, energy=kwh * prices.per_kwh)


def hosted_cost(
    name: str,
    entry: PriceEntry,
    lengths: Iterable[int],
    epochs: int,
    requests: Requests | None = None,
) -> HostedCost:
    """Price of a training at a hosted service, and when it has paid for itself.

    Args:
        name: Of the entry.
        entry: The service's prices.
        lengths: Tokens of each row.
        epochs: Passes over them.
        requests: What the tuned model will be asked; None for no break-even.
    """
    lengths = list(lengths)
    limit = entry.longest_row
    tokens = billed_tokens(lengths, limit) * epochs
    training = tokens / MILLION * entry.training
    hosting = HOURS_A_DAY * entry.hosting_per_hour
    even = None
    if requests is not None and entry.base is not None and entry.tuned is not None:
        saving = request_cost(
            entry.base,
            requests.prompt_tokens + requests.saved_tokens,
            requests.answer_tokens,
            requests.saved_cached,
        ) - request_cost(entry.tuned, requests.prompt_tokens, requests.answer_tokens)
        even = break_even(
            training, saving, hosting_per_day=hosting, requests_per_day=requests.per_day
        )
    return HostedCost(
        name=name,
        entry=entry,
        tokens=tokens,
        cut_rows=0 if limit is None else sum(length > limit for length in lengths),
        training=training,
        hosting_per_day=hosting,
        break_even=even,
    )


def request_cost(
    prices: TokenPrices, prompt_tokens: float, answer_tokens: float, cached_tokens: float = 0.0
) -> float:
    """Price of one request.

    Args:
        prices: Of the model.
        prompt_tokens: All of the prompt.
        answer_tokens: Of the answer.
        cached_tokens: Of the prompt, those billed as cached input, where that has a price.
    """
    cached = prices.input if prices.cached_input is None else prices.cached_input
    fresh = prompt_tokens - cached_tokens
    prompt = fresh * prices.input + cached_tokens * cached
    return (prompt + answer_tokens * prices.output) / MILLION


def break_even(
    training: float,
    saving: float,
    *,
    hosting_per_day: float = 0.0,
    requests_per_day: float | None = None,
) -> BreakEven:
    """The number of requests from which on the training has paid for itself.

    A day's hosting is shared by that day's requests, so a request saves `saving` less hosting over
    requests a day; the number is the price of the training over that, rounded up. Computed in
    fractions, so that no rounding moves it by one.

    Args:
        training: Price of the training, at least 0.
        saving: What a request costs less than before.
        hosting_per_day: Price of keeping the tuned model for a day.
        requests_per_day: How many requests a day has, above 0.
    """

    def none(reason: str) -> BreakEven:
        return BreakEven(saving, None, None, reason)

    if saving < LEAST_SAVING:
        dearer = "more" if saving <= -LEAST_SAVING else "as much"
        return none(f"never: a request to the tuned model costs {dearer}")
    net = Fraction(saving)
    if hosting_per_day:
        if requests_per_day is None:
            return none("not known: hosting is paid by the day, so requests a day are needed")
        net -= Fraction(hosting_per_day) / Fraction(requests_per_day)
        if net < LEAST_SAVING:
            least = hosting_per_day / saving
            return none(f"never: up to {least:,.0f} requests a day hosting costs what they save")
    requests = math.ceil(Fraction(training) / net)
    days = None if requests_per_day is None else requests / requests_per_day
    return BreakEven(saving, requests, days)
