"""`tunery train` and `tunery quickstart` on a tiny random model."""

import json
import re

import pytest
from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.cli.progress import RunProgress
from tunery.cli.quickstart import example_config
from tunery.config.load import load_run
from tunery.testing.tiny_models import save_tiny_model


@pytest.fixture
def config(tmp_path):
    rows = [{"prompt": f"{n % 2} {n}", "completion": "ab"[n % 2]} for n in range(12)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "config.yaml"
    model = save_tiny_model(tmp_path / "model")
    path.write_text(
        f"name: tiny\nmodel: {model}\n"
        "data:\n  train: rows.jsonl\n  test: rows.jsonl\n"
        "train:\n  epochs: 2\n  batch_size: 6\n"
        "evaluate:\n  max_tokens: 3\n"
    )
    return path


@pytest.fixture
def tunery(tmp_path):
    environment = {"TUNERY_HOME": str(tmp_path / "home"), "TUNERY_OFFLINE": "1"}
    return lambda *words: CliRunner().invoke(app, [str(w) for w in words], env=environment)


def test_train_shows_the_plan_each_step_and_the_scores(tunery, config, tmp_path):
    result = tunery("train", config)
    assert result.exit_code == 0, result.output
    assert re.search(r"rows +12", result.output)
    assert re.search(r"compute type +float32 \((?s:.*?) GFLOP/s", result.output)
    assert re.search(r"train.learning_rate +0.001 \(LoRA on a model of 0 million", result.output)
    assert re.search(r"method.rank +16 \(", result.output)
    assert "steps 4/4: loss" in result.output
    assert re.search(r"Exact match +12 rows", result.output)
    assert "Training rows with the highest loss" in result.output
    assert re.search(
        r"Memory of training: estimated .*, measured .* \(estimate [+-]", result.output
    )
    assert str(tmp_path / "home" / "runs" / "tiny" / "report.html") in result.output


def test_train_goes_on_when_told_to(tunery, config):
    tunery("train", config)
    result = tunery("train", config, "--resume")
    assert "All 4 steps were done before: nothing is left to train" in result.output


def test_without_a_checkpoint_it_says_that_it_starts_from_the_first_step(tunery, config, tmp_path):
    tunery("train", config)
    for damaged in (tmp_path / "home" / "runs" / "tiny" / "checkpoints").glob("*/meta.json"):
        damaged.write_text("{")
    result = tunery("train", config, "--resume")
    said = " ".join(result.output.split())
    assert "and the training starts from the first step." in said
    assert "There is no checkpoint to go on from: starting from the first step." in said
    assert "Resumed after step 0" not in said


def test_a_wrong_key_ends_in_a_sentence_and_exit_code_2(tunery, config):
    result = tunery("train", config, "--set", "train.epoch=3")
    assert result.exit_code == 2
    assert "did you mean train.epochs" in result.output
    assert "Traceback" not in result.output


def test_a_model_that_is_nowhere_ends_in_a_sentence(tunery, config):
    result = tunery("train", config, "--set", "model=smollm2-135m-instruct")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "smollm2-135m-instruct" in result.output


def test_quickstart_ends_with_the_next_commands(tunery, config, tmp_path):
    model, rows = tmp_path / "model", tmp_path / "rows.jsonl"
    changes = [f"model={model}", f"data.train={rows}", f"data.test={rows}", "train.epochs=1"]
    result = tunery("quickstart", *[word for change in changes for word in ("--set", change)])
    assert result.exit_code == 0, result.output
    assert "tunery chat support-triage" in result.output
    assert 'base_url="http://127.0.0.1:8000/v1"' in result.output


def test_the_sample_task_has_240_and_60_rows_of_its_own():
    config = load_run(example_config())
    lines = {
        name: getattr(config.data, name).read_text("utf-8").splitlines()
        for name in ("train", "test")
    }
    assert {name: len(rows) for name, rows in lines.items()} == {"train": 240, "test": 60}
    questions = [json.loads(row)["messages"][1]["content"] for r in lines.values() for row in r]
    assert len(set(questions)) == 300
    answers = [json.loads(json.loads(row)["messages"][2]["content"]) for row in lines["test"]]
    assert {tuple(answer) for answer in answers} == {
        ("intent", "priority", "product", "refund_requested")
    }


def test_a_terminal_gets_a_bar(tunery, config, tmp_path):
    from rich.console import Console

    from tunery.pipelines import finetune

    console = Console(force_terminal=True, width=100, record=True)
    with RunProgress(console) as progress:
        finetune.run(
            load_run(config), tmp_path / "home", offline=True, resume=False, listener=progress
        )
    assert progress._bar.tasks[0].completed == 4
    assert "loss" in progress._bar.tasks[0].fields["note"]
