"""A paused and resumed training ends bit for bit as one that was not paused."""

import json
import os
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.testing.tiny_models import save_tiny_model

PAUSED = 75
STEPS = 60


@pytest.fixture
def config(tmp_path):
    rows = [{"prompt": f"{n % 2} {n}", "completion": "ab"[n % 2]} for n in range(20)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "config.yaml"
    content = {
        "name": "tiny",
        "model": str(save_tiny_model(tmp_path / "model")),
        "data": {"train": "rows.jsonl", "validation": 0.2},
        "train": {"epochs": 15, "batch_size": 4, "learning_rate": 0.02, "threads": 1},
    }
    path.write_text(json.dumps(content))
    return path


def train(config, home, *words, pause=None):
    """Trains in a process of its own; `pause` is called with it once three steps are done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tunery", "train", config, *words],
        env=os.environ | {"TUNERY_HOME": str(home), "TUNERY_OFFLINE": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines, steps = [], 0
    with process:
        for line in process.stdout:
            lines.append(line)
            steps += "steps " in line and "loss" in line
            if pause and steps == 3:
                pause(process)
                pause = None
    return process.returncode, "".join(lines)


def outcome(home):
    folder = home / "runs" / "tiny"
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    steps = [(e["step"], e["loss"], e["row_losses"]) for e in events if e["event"] == "step"]
    validations = [(e["step"], e["loss"]) for e in events if e["event"] == "validation"]
    return (folder / "adapter" / "adapter_model.safetensors").read_bytes(), steps, validations


def test_a_training_paused_three_times_ends_as_one_that_was_not(config, tmp_path):
    code, said = train(config, tmp_path / "whole")
    assert code == 0, said
    home = tmp_path / "paused"

    def command(process):
        environment = {"TUNERY_HOME": str(home)}
        result = CliRunner().invoke(app, ["pause", "tiny"], env=environment)
        assert "tiny pauses after its current step" in result.output

    def sent(number):
        return lambda process: process.send_signal(number)

    for number, pause in enumerate((sent(signal.SIGINT), sent(signal.SIGTERM), command)):
        code, said = train(config, home, *(["--resume"] if number else []), pause=pause)
        assert code == PAUSED, said
        assert "The training is paused after step" in said
        assert "Go on with --resume" in said
        assert "Traceback" not in said
    code, said = train(config, home, "--resume")
    assert code == 0, said
    assert "Resumed after step" in said
    expected = outcome(tmp_path / "whole")
    assert [step for step, _, _ in expected[1]] == list(range(1, STEPS + 1))
    assert outcome(home) == expected


def test_what_is_not_going_on_cannot_be_paused(tmp_path):
    result = CliRunner().invoke(app, ["pause", "tiny"], env={"TUNERY_HOME": str(tmp_path)})
    assert result.exit_code == 2
    assert "No run called tiny is going on" in result.output
