"""When a loss that rises stops a training, and when noise does not."""

import json
import random

import pytest

from tunery.errors import DivergedError
from tunery.models.token_row import TokenRow
from tunery.train.divergence import DivergenceGuard
from tunery.train.events import StepDone

ROWS = [TokenRow((1, 2), (0.0, 1.0), f"train.jsonl:{line}") for line in (3, 8)]


def feed(guard, losses, first=1):
    for step, loss in enumerate(losses, start=first):
        done = StepDone(
            step, 1000, 0.0, loss, 1e-3, 1.0, 2, 4, 4, 1.0, (0, 1), (loss - 1, loss + 1)
        )
        guard.check(done, ROWS)


def test_a_rising_loss_stops_with_the_step_and_its_rows_worst_first():
    guard = DivergenceGuard(3.0, 8)
    with pytest.raises(DivergedError) as caught:
        feed(guard, [2.0] * 10 + [9.0] * 10)
    text = caught.value.message
    assert "diverged at step 16: over the last 10 steps the loss was 6.20" in text
    assert "more than 3 times the lowest before (2.00)" in text
    assert "train.jsonl:8 (loss 10.00), train.jsonl:3 (loss 8.00)" in text


def test_a_loss_that_is_lower_than_at_the_start_has_not_diverged():
    feed(DivergenceGuard(3.0, 8), [2.0] * 10 + [0.01] * 50 + [1.9] * 50)


@pytest.mark.parametrize("batch_size", [1, 2, 8, 32])
def test_noise_of_single_rows_does_not_stop_a_training(batch_size):
    for seed in range(20):
        draw = random.Random(seed)
        rows = [[draw.expovariate(1) for _ in range(batch_size)] for _ in range(1000)]
        feed(DivergenceGuard(3.0, batch_size), [sum(row) / batch_size for row in rows])


def test_null_never_stops():
    feed(DivergenceGuard(None, 8), [1.0] * 10 + [100.0] * 20)


def test_a_resumed_guard_stops_at_the_same_step():
    losses = [2.0] * 12 + [8.0] * 20
    for cut in (1, 5, 11, 14):
        before = DivergenceGuard(3.0, 8)
        feed(before, losses[:cut])
        after = DivergenceGuard(3.0, 8)
        after.load_state(json.loads(json.dumps(before.state(), allow_nan=False)))
        with pytest.raises(DivergedError, match="at step 19"):
            feed(after, losses[cut:], first=cut + 1)
