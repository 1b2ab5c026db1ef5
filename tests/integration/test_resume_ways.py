"""However a training computes, paused and resumed it ends bit for bit as it would have."""

import pytest
import torch

from tunery.config.method import MethodSection
from tunery.config.train import TrainSection
from tunery.errors import PausedError
from tunery.models.load import open_model
from tunery.models.token_row import TokenRow
from tunery.prefix import attention
from tunery.prefix.states import blocks
from tunery.testing.tiny_models import save_tiny_model
from tunery.train.events import Noted, StepDone
from tunery.train.plan import TrainPlan
from tunery.train.run import train
from tunery.train.session import Session


def rows(length):
    """Rows that begin alike, and then each has tokens of its own."""
    found = []
    for n in range(8):
        ids = (2, 3, 4, 5, 6, *(7 + (n * 31 + i * (n + 1)) % 240 for i in range(length)))
        found.append(TokenRow(ids, (0.0,) * 6 + (1.0,) * (len(ids) - 6)))
    return found


@pytest.fixture
def run(tmp_path):
    base = save_tiny_model(tmp_path / "base")
    attention.register()

    def run(name, length, *, resume=False, pause_after=None, **method):
        model = open_model("tiny", base, attention=attention.NAME)
        events = []

        def paused():
            return len([e for e in events if isinstance(e, StepDone)]) == pause_after

        try:
            result = train(
                model,
                rows(length),
                [],
                method=MethodSection(rank=2, targets=("*_proj",), **method),
                settings=TrainSection(epochs=3, batch_size=4, learning_rate=0.01),
                session=Session(tmp_path / name, resume, paused),
                on_event=events.append,
            )
        finally:
            assert not any("forward" in block.__dict__ for block in blocks(model.network))
        run.notes = [event.message for event in events if isinstance(event, Noted)]
        (plan,) = [event for event in events if isinstance(event, TrainPlan)]
        return result.adapter, {choice.name: choice.value for choice in plan.choices}

    return run


@pytest.mark.parametrize(
    ("length", "method", "said"),
    [
        (20, {}, ("adapters", "beside the weights, in 2 blocks")),
        (400, {}, ("adapters", "merged each step, in 2 blocks")),
        (20, {"dropout": 0.2}, ("prefix sharing", "off: one row a tree")),
        (20, {"dora": True}, ("compute type", "float32")),
    ],
)
def test_paused_and_resumed_is_the_same(run, length, method, said):
    whole, choices = run("whole", length, **method)
    assert choices[said[0]] == said[1]
    with pytest.raises(PausedError):
        run("paused", length, pause_after=3, **method)
    again, _ = run("paused", length, resume=True, **method)
    for name, factors in whole.factors.items():
        assert all(map(torch.equal, factors, again.factors[name]))
        assert factors[1].abs().max() > 0


def test_dropout_changes_what_is_learned(run):
    without, _ = run("without", 20)
    dropped, _ = run("dropped", 20, dropout=0.2)
    name = next(iter(without.factors))
    assert not torch.equal(without.factors[name][1], dropped.factors[name][1])


def test_a_pause_during_the_last_step_says_that_nothing_was_left(run):
    run("whole", 20, pause_after=6)
    assert run.notes == ["Step 6 was the last one: there was nothing left to pause."]


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ({}, "LoRA, rank 2, scale 2"),
        ({"rslora": True}, "rsLoRA, rank 2, scale 5.66"),
        ({"dora": True, "alpha": 8}, "DoRA, rank 2, scale 4"),
    ],
)
def test_the_plan_names_the_adapter(run, method, said):
    assert run("whole", 20, **method)[1]["adapter"] == said
