"""What trainings and requests cost, and when a training has paid for itself."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tunery.data.cost import (
    LEAST_SAVING,
    MachinePrices,
    Requests,
    billed_tokens,
    break_even,
    hosted_cost,
    machine_cost,
    request_cost,
)
from tunery.data.prices import PriceEntry, TokenPrices
from tunery.errors import UserError

money = st.floats(0, 1e6)


def entry(**changes):
    given = {"model": "m", "training": 5.0, "as_of": date(2026, 11, 1), "source": "s"}
    return PriceEntry(**(given | changes))


@given(training=money, saving=st.floats(LEAST_SAVING, 1e3))
def test_costs_cross_at_the_break_even(training, saving):
    found = break_even(training, saving)

    def ahead(requests):
        return requests * Fraction(saving) - Fraction(training)

    assert ahead(found.requests) >= 0
    assert found.requests == 0 or ahead(found.requests - 1) < 0
    assert found.days is None
    assert not found.reason


@given(training=money, saving=st.floats(1e-6, 10), hosting=st.floats(0.01, 1e3))
def test_costs_cross_with_hosting_too(training, saving, hosting):
    per_day = 1_000_000.0
    found = break_even(training, saving, hosting_per_day=hosting, requests_per_day=per_day)
    net = Fraction(saving) - Fraction(hosting) / Fraction(per_day)

    def ahead(requests):
        return requests * net - Fraction(training)

    if net < LEAST_SAVING:
        assert found.requests is None
        assert found.reason.startswith("never: up to ")
        return
    assert ahead(found.requests) >= 0
    assert found.requests == 0 or ahead(found.requests - 1) < 0
    assert found.days == found.requests / per_day


@given(training=money, saving=st.floats(1e-6, 10), more=st.floats(1.01, 100))
def test_dearer_trainings_take_longer_and_larger_savings_do_not(training, saving, more):
    assume(training > 1)
    found = break_even(training, saving)
    assert break_even(training * more, saving).requests >= found.requests
    assert break_even(training, saving * more).requests <= found.requests


@pytest.mark.parametrize(
    ("saving", "reason"), [(0.0, "as much"), (1e-15, "as much"), (-1e-15, "as much"), (-1, "more")]
)
def test_no_saving_no_break_even(saving, reason):
    found = break_even(10, saving)
    assert found.requests is None
    assert found.reason == f"never: a request to the tuned model costs {reason}"


def test_hosting_needs_to_know_the_requests_of_a_day():
    assert "requests a day are needed" in break_even(10, 0.01, hosting_per_day=1).reason
    found = break_even(10, 0.01, hosting_per_day=1, requests_per_day=100)
    assert found.reason == "never: up to 100 requests a day hosting costs what they save"


def test_a_shorter_prompt_pays_only_where_it_outweighs_the_dearer_tokens():
    """Figures by hand: before (1000 + 100) x 1 + 10 x 4, after 100 x 2 + 10 x 8, a million."""
    prices = {"base": TokenPrices(input=1, output=4), "tuned": TokenPrices(input=2, output=8)}
    asked = Requests(prompt_tokens=100, answer_tokens=10, saved_tokens=1000, per_day=100)

    found = hosted_cost("x", entry(**prices), [600, 400], 2, asked)

    assert found.tokens == 2000
    assert found.training == pytest.approx(0.01)
    assert found.break_even.saving == pytest.approx(860e-6)
    assert (found.break_even.requests, found.break_even.days) == (12, 0.12)
    asked = Requests(prompt_tokens=1000, answer_tokens=10, saved_tokens=1000)
    assert hosted_cost("x", entry(**prices), [1], 1, asked).break_even.requests is None


def test_cached_tokens_have_their_own_price_where_there_is_one():
    plain, cheap = TokenPrices(input=2, output=0), TokenPrices(input=2, output=0, cached_input=1)
    assert request_cost(plain, 100, 0, 60) == pytest.approx(200e-6)
    assert request_cost(cheap, 100, 0, 60) == pytest.approx(140e-6)
    prices = {"base": cheap, "tuned": cheap}
    asked = Requests(prompt_tokens=1, answer_tokens=1, saved_tokens=100, saved_cached=100)
    saving = hosted_cost("x", entry(**prices), [1], 1, asked).break_even.saving
    assert saving == pytest.approx(100e-6)


def test_rows_are_cut_where_the_service_cuts_them_and_that_is_told():
    found = hosted_cost("x", entry(longest_row=50, hosting_per_hour=2), [40, 50, 60], 3)
    assert (found.tokens, found.cut_rows, found.hosting_per_day) == (420, 1, 48)
    assert found.break_even is None
    assert hosted_cost("x", entry(), [40, 60], 1, Requests(1, 1, 1)).break_even is None


@given(lengths=st.lists(st.integers(1, 100)), limit=st.integers(1, 100))
def test_a_limit_never_bills_more(lengths, limit):
    assert billed_tokens(lengths, limit) <= billed_tokens(lengths, None) == sum(lengths)
    assert billed_tokens(lengths, limit) <= limit * len(lengths)


def test_this_machine_costs_its_hours_and_its_energy():
    found = machine_cost(7200, MachinePrices(per_hour=0.5, watts=250, per_kwh=0.4))
    assert (found.rent, found.kwh, found.energy, found.total) == (1.0, 0.5, 0.2, 1.2)
    assert machine_cost(7200, MachinePrices()).total == 0


@pytest.mark.parametrize("number", [-1, float("nan"), float("inf"), 1e12])
def test_numbers_that_cannot_be_meant_are_refused(number):
    for make in (
        lambda: MachinePrices(per_hour=number),
        lambda: MachinePrices(watts=number),
        lambda: MachinePrices(per_kwh=number),
        lambda: Requests(1, 1, saved_tokens=number),
        lambda: Requests(1, 1, saved_tokens=1, saved_cached=number),
        lambda: Requests(1, 1, per_day=number),
    ):
        with pytest.raises(UserError, match="expected 0 to"):
            make()


def test_requests_that_contradict_themselves_are_refused():
    with pytest.raises(UserError, match="20 cached prompt tokens are given, but only 10"):
        Requests(1, 1, saved_tokens=10, saved_cached=20)
    with pytest.raises(UserError, match="0 requests a day"):
        Requests(1, 1, per_day=0)
