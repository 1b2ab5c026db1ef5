"""A state-space model through the command: trained one row a tree, and never asked."""

import json

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.testing.tiny_models import tiny_tokenizer


@pytest.fixture
def config(tmp_path):
    torch.manual_seed(0)
    shape = AutoConfig.for_model(
        "mamba2",
        vocab_size=258,
        hidden_size=32,
        num_hidden_layers=2,
        state_size=8,
        num_heads=8,
        head_dim=8,
        n_groups=1,
        chunk_size=8,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=1,
    )
    AutoModelForCausalLM.from_config(shape).save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")
    rows = [{"prompt": f"same start {n}", "completion": "ab"[n % 2]} for n in range(12)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "config.yaml"
    path.write_text(
        f"name: tiny\nmodel: {tmp_path / 'model'}\n"
        "data:\n  train: rows.jsonl\n"
        "train:\n  epochs: 1\n  batch_size: 6\n"
    )
    return path


@pytest.fixture
def tunery(tmp_path):
    environment = {"TUNERY_HOME": str(tmp_path / "home"), "TUNERY_OFFLINE": "1"}
    return lambda *words: CliRunner().invoke(app, [str(w) for w in words], env=environment)


def test_it_is_trained_and_the_plan_says_that_nothing_is_shared(tunery, config, tmp_path):
    result = tunery("train", config)
    assert result.exit_code == 0, result.output
    assert "one row a tree" in result.output
    folder = tmp_path / "home" / "runs" / "tiny"
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    plan = next(event for event in events if event["event"] == "plan")
    assert plan["unique_tokens"] == plan["tokens"]
    assert any(choice["name"] == "prefix sharing" for choice in plan["choices"])
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()
    asked = tunery("eval", "tiny", "--data", tmp_path / "rows.jsonl")
    assert asked.exit_code != 0
    assert "can be trained here, but not asked" in asked.output
    assert "Traceback" not in asked.output


def test_its_weights_themselves_are_trained(tunery, config, tmp_path):
    config.write_text(config.read_text() + "method:\n  kind: full\n")
    result = tunery("train", config)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "home" / "tuned" / "tiny" / "model.safetensors").is_file()


def test_with_test_rows_it_is_refused_before_training(tunery, config, tmp_path):
    config.write_text(config.read_text().replace("data:\n", "data:\n  test: rows.jsonl\n"))
    result = tunery("train", config)
    assert result.exit_code != 0
    assert "Train without data.test" in result.output
    assert not (tmp_path / "home" / "runs" / "tiny").exists()
