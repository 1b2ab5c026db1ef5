"""A model type without a proof: refused, or compared first and then trained and served."""

import json

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.models.proven import PROVEN
from tunery.testing.tiny_models import tiny_tokenizer

KIND = "hyperclovax"


@pytest.fixture
def config(tmp_path):
    torch.manual_seed(0)
    shape = AutoConfig.for_model(
        KIND,
        vocab_size=258,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=512,
        logits_scaling=0.5,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=1,
    )
    AutoModelForCausalLM.from_config(shape).save_pretrained(tmp_path / "model")
    tiny_tokenizer().save_pretrained(tmp_path / "model")
    rows = [{"prompt": f"{n % 2} {n}", "completion": "ab"[n % 2]} for n in range(12)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "config.yaml"
    path.write_text(
        f"name: tiny\nmodel: {tmp_path / 'model'}\n"
        "data:\n  train: rows.jsonl\n  test: rows.jsonl\n"
        "train:\n  epochs: 1\n  batch_size: 6\n"
        "evaluate:\n  max_tokens: 3\n"
        "sweep:\n  trials: 1\n  search: [{key: method.rank, choices: [2, 4]}]\n"
    )
    return path


@pytest.fixture
def tunery(tmp_path):
    environment = {"TUNERY_HOME": str(tmp_path / "home"), "TUNERY_OFFLINE": "1"}
    return lambda *words: CliRunner().invoke(app, [str(w) for w in words], env=environment)


def test_it_is_refused_unless_asked_for(tunery, config):
    assert KIND not in PROVEN
    result = tunery("train", config)
    assert result.exit_code != 0
    assert "gradients are proven for" in result.output
    assert "--unproven" in result.output
    assert "Traceback" not in result.output


def test_with_the_flag_it_is_compared_trained_and_evaluated(tunery, config, tmp_path):
    result = tunery("train", config, "--unproven")
    assert result.exit_code == 0, result.output
    events = (tmp_path / "home" / "runs" / "tiny" / "events.jsonl").read_text().splitlines()
    notes = [e["message"] for line in events if (e := json.loads(line))["event"] == "note"]
    assert any(f"Models of type {KIND} have no proof. On 4 rows" in note for note in notes)
    result = tunery("eval", "tiny", "--data", tmp_path / "rows.jsonl")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    "command",
    [("sweep", "--set", "data.validation=0.25"), ("lr-range", "--from", "1e-4", "--steps", "10")],
)
def test_trials_take_it_too_after_the_same_comparison(tunery, config, command):
    name, *options = command
    refused = tunery(name, config, *options)
    assert refused.exit_code == 2
    assert "or train with --unproven" in refused.output
    taken = tunery(name, config, *options, "--unproven")
    assert taken.exit_code == 0, taken.output
    assert f"Models of type {KIND} have no proof. On 4 rows" in taken.output
