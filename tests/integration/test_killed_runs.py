"""A run killed at any moment and resumed ends bit for bit as the run that was not killed."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tunery.testing.tiny_models import save_tiny_model

STEPS = 12
AHEAD = 3
"""Events by which a run may get ahead of the one that it is killed after; as in `killed_run.py`."""

KILLS = 26
"""At random moments; four more are in the midst of writing a checkpoint."""


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

    def run(self, home, *, resume=False, event=None, delay=0.0, in_write=None):
        order = {
            "config": str(self.config),
            "home": str(home),
            "resume": resume,
            "event": event,
            "delay": delay,
            "in_write": in_write,
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
    """The trained weights' bytes and the steps that the event log tells of."""
    folder = home / "runs" / "tiny"
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    steps = [(e["step"], e["loss"], e["grad_norm"]) for e in events if e["event"] == "step"]
    losses = [(e["step"], e["loss"]) for e in events if e["event"] == "validation"]
    (weights,) = (home / "tuned" / "tiny").glob("*.safetensors")
    return weights.read_bytes(), steps, losses


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
    kills += [{"in_write": flush} for flush in (1, 2, 3, 4 + 4 * 5)]
    for number, kill in enumerate(kills):
        home = tmp_path / f"killed-{number}"
        first = runner.run(home, **kill)
        assert first["killed"] or kill["event"] + AHEAD > events
        again = runner.run(home, resume=True)
        assert again["code"] == 0, f"{kill}: {(tmp_path / 'stderr.txt').read_text()}"
        assert outcome(home) == expected, f"{kill} after {first}"


@pytest.mark.parametrize("runner", [{"kind": "full"}], indirect=True)
def test_killed_runs_that_train_all_weights_end_so_too(runner, tmp_path):
    whole = runner.run(tmp_path / "whole")
    assert whole["code"] == 0, (tmp_path / "stderr.txt").read_text()
    expected = outcome(tmp_path / "whole")
    assert len(expected[1]) == STEPS
    for number, kill in enumerate([{"in_write": 3}, {"in_write": 2 + 4 * 5}]):
        home = tmp_path / f"killed-{number}"
        assert runner.run(home, **kill)["killed"]
        assert runner.run(home, resume=True)["code"] == 0, (tmp_path / "stderr.txt").read_text()
        assert outcome(home) == expected
