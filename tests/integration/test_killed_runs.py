"""A run killed at any moment and resumed ends bit for bit as the run that was not killed."""

import json
import logging
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tunery.testing.tiny_models import save_tiny_model

log = logging.getLogger(__name__)

STEPS = 12
AHEAD = 3
"""Events by which a run may get ahead of the one that it is killed after; as in `killed_run.py`."""

KILLS = 25
"""At random moments; five more are in the midst of writing a checkpoint."""

PLANNED = ("rows", "tokens", "supervised_tokens", "unique_tokens", "steps", "trained_parameters")
"""What a plan says whatever the machine's memory and speed."""


class Runner:
    """Talks to `killed_run.py`."""

    def __init__(self, config, log):
        self.config = config
        script = Path(__file__).with_name("killed_run.py")
        self.process = subprocess.Popen(
            [sys.executable, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def run(self, home, *, resume=False, event=None, delay=0.0, in_write=None, in_state=None):
        order = {
            "config": str(self.config),
            "home": str(home),
            "resume": resume,
            "event": event,
            "delay": delay,
            "in_write": in_write,
            "in_state": in_state,
        }
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def runner(tmp_path, request):
    answers = {"0": "a", "1": "b"}
    rows = [
        json.dumps(
            {
                "messages": [
                    {"role": "system", "content": "Answer a or b."},
                    {"role": "user", "content": f"{n % 2} {n}"},
                    {"role": "assistant", "content": answers[str(n % 2)]},
                ]
            }
        )
        for n in range(24)
    ]
    (tmp_path / "train.jsonl").write_text("\n".join(rows) + "\n")
    config = {
        "name": "tiny",
        "model": str(save_tiny_model(tmp_path / "model")),
        "method": getattr(request, "param", {}),
        "data": {"train": "train.jsonl", "validation": 0.2},
        "train": {"epochs": 3, "batch_size": 5, "learning_rate": 0.02, "checkpoint_every": 1},
    }
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(config))
    with (tmp_path / "stderr.txt").open("w") as log:
        runner = Runner(path, log)
        with runner.process:
            yield runner
            runner.process.stdin.close()


def outcome(home):
    """The trained weights' bytes and all that the event log tells of but times."""
    folder = home / "runs" / "tiny"
    lines = (folder / "events.jsonl").read_text().splitlines()
    events = [e for e in map(json.loads, lines) if e["event"] != "resume"]
    steps = [(e["step"], e["loss"], e["grad_norm"]) for e in events if e["event"] == "step"]
    losses = [(e["step"], e["loss"]) for e in events if e["event"] == "validation"]
    plans = [[e[key] for key in PLANNED] for e in events if e["event"] == "plan"]
    saved = [(e["step"], Path(e["folder"]).name) for e in events if e["event"] == "checkpoint"]
    told = [(e["event"], e.get("step")) for e in events]
    (weights,) = (home / "tuned" / "tiny").glob("*.safetensors")
    return weights.read_bytes(), steps, losses, plans, saved, told


def said(kill):
    if "in_write" in kill:
        return f"killed at flush {kill['in_write']} of its checkpoints"
    if "in_state" in kill:
        return f"killed with half of the tensors of checkpoint {kill['in_state']} written"
    return f"killed {1000 * kill['delay']:.0f} ms after event {kill['event']}"


def half_written(home, step):
    """Whether the tensors of a step, and nothing else of its checkpoint, are there in half."""
    folder = home / "runs" / "tiny" / "checkpoints"
    whole = (folder / f"step-{step - 1:06d}" / "state.safetensors").stat().st_size
    (half,) = (folder / f".step-{step:06d}").iterdir()
    return half.name == "state.safetensors" and half.stat().st_size == whole // 2


def gone_on(home):
    lines = (home / "runs" / "tiny" / "events.jsonl").read_text().splitlines()
    steps = [e["step"] for e in map(json.loads, lines) if e["event"] == "resume"]
    return f"went on after step {steps[-1]} of {STEPS}"


@pytest.mark.timeout(900)
def test_thirty_killed_runs_end_as_the_one_that_was_not_killed(runner, tmp_path):
    whole = runner.run(tmp_path / "whole")
    assert whole["code"] == 0, (tmp_path / "stderr.txt").read_text()
    expected = outcome(tmp_path / "whole")
    assert [step for step, _, _ in expected[1]] == list(range(1, STEPS + 1))

    moments = random.Random(0)
    events, gap = whole["events"], whole["seconds"] / whole["events"]
    kills = [
        {"event": moments.randint(1, events), "delay": moments.uniform(0, gap)}
        for _ in range(KILLS)
    ]
    kills += [{"in_write": flush} for flush in (1, 2, 3, 4 + 4 * 5)] + [{"in_state": 7}]
    for number, kill in enumerate(kills):
        home = tmp_path / f"killed-{number}"
        first = runner.run(home, **kill)
        assert first["killed"] or kill["event"] + AHEAD > events
        if "in_state" in kill:
            assert half_written(home, kill["in_state"])
        again = runner.run(home, resume=True)
        assert again["code"] == 0, f"{kill}: {(tmp_path / 'stderr.txt').read_text()}"
        assert outcome(home) == expected, f"{kill} after {first}"
        log.info("run %2d: %s; %s; equal bit for bit", number + 1, said(kill), gone_on(home))


@pytest.mark.parametrize("runner", [{"kind": "full"}], indirect=True)
def test_killed_runs_that_train_all_weights_end_so_too(runner, tmp_path):
    whole = runner.run(tmp_path / "whole")
    assert whole["code"] == 0, (tmp_path / "stderr.txt").read_text()
    expected = outcome(tmp_path / "whole")
    assert len(expected[1]) == STEPS
    for number, kill in enumerate([{"in_write": 3}, {"in_write": 2 + 4 * 5}, {"in_state": 3}]):
        home = tmp_path / f"killed-{number}"
        assert runner.run(home, **kill)["killed"]
        assert runner.run(home, resume=True)["code"] == 0, (tmp_path / "stderr.txt").read_text()
        assert outcome(home) == expected
