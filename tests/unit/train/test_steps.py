"""Row order, learning rates and the packed optimizer."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tunery.models.token_row import TokenRow
from tunery.train.optimizer import PackedAdamW
from tunery.train.order import RowOrder
from tunery.train.schedules import FLOOR, learning_rate


def numbered(rows: int) -> list[TokenRow]:
    """Rows of three passages, in turn."""
    return [TokenRow((7, row % 3, row), (0.0, 0.0, 1.0)) for row in range(rows)]


@pytest.mark.parametrize("batching", ["shuffled", "grouped", "in_order"])
@given(rows=st.integers(1, 60), batch=st.integers(1, 20), seed=st.integers(0, 5))
def test_each_epoch_visits_every_row_once(batching, rows, batch, seed):
    order = RowOrder(numbered(rows), batch, batching, seed)
    steps = order.steps_per_epoch
    for epoch in (0, 3):
        seen = [row for step in range(steps) for row in order.of_step(epoch * steps + step)]
        assert sorted(seen) == list(range(rows))


@pytest.mark.parametrize("batching", ["shuffled", "grouped"])
def test_the_order_follows_seed_and_epoch_alone(batching):
    def picked(epoch, seed):
        order = RowOrder(numbered(20), 4, batching, seed)
        return [order.of_step(epoch * 5 + step) for step in range(5)]

    assert picked(1, 7) == picked(1, 7)
    assert picked(1, 7) != picked(1, 8)
    assert picked(1, 7) != picked(2, 7)


def test_in_order_is_the_order_of_the_file():
    assert RowOrder(numbered(20), 4, "in_order", 3).of_step(6) == [4, 5, 6, 7]


def test_grouped_rows_of_a_step_begin_alike():
    rows = numbered(60)
    shared = {}
    for batching in ("shuffled", "grouped"):
        order = RowOrder(rows, 5, batching, 0)
        steps = [order.of_step(step) for step in range(order.steps_per_epoch)]
        shared[batching] = sum(len({row % 3 for row in step}) == 1 for step in steps)
    assert shared["grouped"] >= 12 - 3  # one step at the end of each passage may be mixed
    assert shared["shuffled"] <= 2


def test_a_cosine_rises_then_falls_to_its_floor():
    rates = [learning_rate(step, 100, 2.0, "cosine", 0.1) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[-1] == pytest.approx(2.0 * FLOOR)


def test_constant_stays():
    assert {learning_rate(step, 9, 0.5, "constant", 0.0) for step in range(9)} == {0.5}
    assert learning_rate(0, 1, 0.5, "cosine", 0.0) == 0.5


def layers(seed=0):
    torch.manual_seed(seed)
    return [nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(5))]


def test_packed_steps_equal_those_of_torch():
    ours, theirs = layers(), layers()
    packed = PackedAdamW(ours, weight_decay=0.1)
    plain = torch.optim.AdamW(theirs, lr=0.0, weight_decay=0.1)
    for step in range(5):
        for parameters in (ours, theirs):
            sum((p * p).sum() * (step + 1) for p in parameters).backward()
        norm = torch.nn.utils.clip_grad_norm_(theirs, 1.0)
        plain.param_groups[0]["lr"] = 0.1 / (step + 1)
        plain.step()
        plain.zero_grad()
        assert packed.step(0.1 / (step + 1), 1.0) == pytest.approx(float(norm))
    for own, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(own.data, other.data)


def test_a_restored_optimizer_goes_on_bitwise():
    def advance(parameters, packed, steps):
        for _ in range(steps):
            sum((p**3).sum() for p in parameters).backward()
            packed.step(0.05, 1.0)

    first = layers()
    packed = PackedAdamW(first, 0.0)
    advance(first, packed, 3)
    state = {name: tensor.clone() for name, tensor in packed.state().items()}
    advance(first, packed, 4)
    second = layers(seed=9)
    restored = PackedAdamW(second, 0.0)
    restored.load_state(state)
    advance(second, restored, 4)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
