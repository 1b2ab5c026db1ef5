"""`tunery lr-range` on a tiny random model."""

import json

import pytest
from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.testing.tiny_models import save_tiny_model


@pytest.fixture
def config(tmp_path):
    rows = [{"prompt": f"{n % 2} {n}", "completion": "ab"[n % 2]} for n in range(16)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = tmp_path / "config.yaml"
    model = save_tiny_model(tmp_path / "model")
    path.write_text(f"name: tiny\nmodel: {model}\ndata:\n  train: rows.jsonl\n")
    return path


@pytest.fixture
def tunery(tmp_path):
    environment = {"TUNERY_HOME": str(tmp_path / "home"), "TUNERY_OFFLINE": "1"}
    return lambda *words: CliRunner().invoke(app, [str(w) for w in words], env=environment)


def test_it_suggests_a_rate_within_the_range_and_leaves_the_run_alone(tunery, config, tmp_path):
    kept = tmp_path / "home" / "runs" / "tiny" / "checkpoints"
    kept.mkdir(parents=True)
    (kept / "mine").write_text("untouched")
    result = tunery("lr-range", config, "--from", "1e-4", "--to", "10", "--steps", "40", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["points"][0]["rate"] == pytest.approx(1e-4)
    assert 10 <= len(found["points"]) <= 40
    lowest = min(found["points"], key=lambda point: point["smoothed"])
    assert lowest["smoothed"] < found["points"][0]["smoothed"]
    assert found["suggested"] == pytest.approx(lowest["rate"] / 10, rel=0.05)
    folder = tmp_path / "home" / "lr-range" / "tiny"
    assert json.loads((folder / "range.json").read_text()) == found
    assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (kept / "mine").read_text() == "untouched"
    assert list(kept.iterdir()) == [kept / "mine"]


def test_it_prints_a_table_and_what_to_set(tunery, config):
    result = tunery("lr-range", config, "--from", "1e-4", "--to", "10", "--steps", "40")
    assert result.exit_code == 0, result.output
    assert "Suggested: train.learning_rate=" in result.output
    assert "loss.png" in result.output


def test_a_multiplier_is_taken_out_of_the_suggestion_not_of_the_rates_tried(tunery, config):
    options = ("--from", "1e-4", "--to", "10", "--steps", "40", "--json")
    plain = json.loads(tunery("lr-range", config, *options).stdout)
    double = "train.learning_rate_multiplier=2"
    halved = json.loads(tunery("lr-range", config, *options, "--set", double).stdout)
    assert halved["points"] == plain["points"]
    assert (plain["multiplier"], halved["multiplier"]) == (1, 2)
    assert halved["suggested"] == pytest.approx(plain["suggested"] / 2, rel=0.05)
    assert "divided by train.learning_rate_multiplier, 2" in halved["reason"]


@pytest.mark.parametrize("words", [("--steps", 1), ("--from", 1, "--to", 0.1), ("--from", 0)])
def test_a_range_that_is_none_ends_in_a_sentence(tunery, config, words):
    result = tunery("lr-range", config, *words)
    assert result.exit_code == 2
    assert "expected at least 10, from a rate above 0 to a higher one" in result.output
