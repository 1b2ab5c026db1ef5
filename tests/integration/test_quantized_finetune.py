"""A run over weights in few bits, stopped and gone on with, ends as the whole run."""

import json

import pytest
from safetensors import safe_open
from safetensors.torch import load_file

from tunery.config.load import load_run
from tunery.errors import PausedError
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.pipelines.pause import ask_to_pause
from tunery.testing.tiny_models import save_tiny_model
from tunery.train.events import StepDone

STEPS = 9
CHECKPOINT, STOPPED_AT = 3, 4


class CrashError(Exception):
    """Ends a run where nothing is prepared for it."""


class Stopping(Listener):
    """Stops a run after one of its steps."""

    def __init__(self, stop):
        self.stop = stop

    def event(self, event):
        if isinstance(event, StepDone) and event.step == STOPPED_AT:
            self.stop()


def crash():
    raise CrashError


@pytest.fixture
def start(tmp_path):
    """Runs a fine-tune in one of several homes; returns its result."""
    model = save_tiny_model(tmp_path / "model", hidden_size=64, intermediate_size=128)
    for name, count in (("train", 12), ("test", 4)):
        rows = [{"prompt": f"{n % 2} {n}", "completion": "ab"[n % 2]} for n in range(count)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(home, kind, *, resume=False, listener=None):
        config = {
            "name": "tiny",
            "model": str(model),
            "method": {"quantize": kind, "rank": 4},
            "data": {"train": "train.jsonl", "test": "test.jsonl"},
            "train": {
                "epochs": 3,
                "batch_size": 4,
                "learning_rate": 0.02,
                "checkpoint_every": CHECKPOINT,
                "threads": 1,
            },
            "evaluate": {"max_tokens": 3},
        }
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        loaded = load_run(tmp_path / "config.yaml")
        return finetune.run(
            loaded, tmp_path / home, offline=True, resume=resume, listener=listener or Listener()
        )

    return run


def events_of(result, kind):
    events = map(json.loads, (result.folder / "events.jsonl").read_text().splitlines())
    return [event for event in events if event["event"] == kind]


def outcome(result):
    steps = [(event["step"], event["loss"]) for event in events_of(result, "step")]
    answers = [answer.text for answer in result.comparison.tuned.answers]
    # not the file's bytes: safetensors writes its metadata in any order
    weights = load_file(result.tuned.folder / "adapter_model.safetensors")
    return {name: each.numpy().tobytes() for name, each in weights.items()}, steps, answers


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_a_stopped_run_ends_bit_for_bit_as_the_whole_one(start, tmp_path, kind):
    whole = start("whole", kind)
    expected = outcome(whole)
    assert [step for step, _ in expected[1]] == list(range(1, STEPS + 1))
    with safe_open(whole.tuned.folder / "adapter_model.safetensors", "pt") as file:
        assert file.metadata()["tunery_quantize"] == kind

    pause = Stopping(lambda: ask_to_pause(tmp_path / "paused", "tiny"))
    with pytest.raises(PausedError):
        start("paused", kind, listener=pause)
    resumed = start("paused", kind, resume=True)
    assert [event["step"] for event in events_of(resumed, "resume")] == [STOPPED_AT]
    assert outcome(resumed) == expected

    with pytest.raises(CrashError):
        start("crashed", kind, listener=Stopping(crash))
    resumed = start("crashed", kind, resume=True)
    assert [event["step"] for event in events_of(resumed, "resume")] == [CHECKPOINT]
    assert outcome(resumed) == expected
