import json
import math

import pytest

from tunery.errors import DivergedError
from tunery.train.validation_watch import Best, ValidationWatch


def test_patience_counts_validations_without_a_better_one():
    watch = ValidationWatch(2, 0.0)
    seen = [(watch.take(step, loss), watch.stopped) for step, loss in enumerate([3, 2, 2, 1, 1, 4])]
    assert seen == [
        (True, False),
        (True, False),
        (False, False),
        (True, False),
        (False, False),
        (False, True),
    ]
    assert watch.best == Best(3, 1)


def test_a_gain_within_min_delta_is_none():
    watch = ValidationWatch(2, 0.1)
    assert [watch.take(step, loss) for step, loss in enumerate([1.0, 0.95, 0.85])] == [
        True,
        False,
        True,
    ]


def test_without_patience_nothing_stops():
    watch = ValidationWatch(None, 0.0)
    for step in range(100):
        watch.take(step, 1.0 + step)
    assert not watch.stopped
    assert watch.best == Best(0, 1.0)


def test_its_state_goes_through_json():
    before = ValidationWatch(2, 0.0)
    after = ValidationWatch(2, 0.0)
    after.load_state(json.loads(json.dumps(before.state())))
    assert after.best is None
    before.take(4, 0.1)
    before.take(8, 0.2)
    after.load_state(json.loads(json.dumps(before.state())))
    assert (after.best, after.since) == (Best(4, 0.1), 1)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_training_with_its_step(loss):
    watch = ValidationWatch(None, 0.0)
    watch.take(4, 1.0)
    with pytest.raises(DivergedError, match=f"validation loss after step 8 is {loss}"):
        watch.take(8, loss)
    assert watch.best == Best(4, 1.0)
