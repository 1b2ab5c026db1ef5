import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from benchmarks.train_vs_peers.comparison import Measurement
from benchmarks.train_vs_peers.product_share import micro_batches, with_product_share
from benchmarks.train_vs_peers.products import Products, layer_shapes, main
from benchmarks.train_vs_peers.task import Task

from tunery.errors import RunError
from tunery.testing.tiny_models import save_tiny_model

PLAN = {"event": "plan", "rows": 10, "supervised_tokens": 50, "budget": 100}


def step(unique: int, rows: int = 4, seconds: float = 2.0) -> dict[str, Any]:
    return {"event": "step", "unique_tokens": unique, "rows": rows, "seconds": seconds}


def test_steps_after_the_first_are_cut_as_the_budget_says() -> None:
    batches, seconds = micro_batches(PLAN, [step(999), step(250), step(80, rows=2)])
    assert batches == [(84, 7)] * 3 + [(80, 10)]
    assert seconds == 4.0
    with pytest.raises(RunError, match="at least two"):
        micro_batches(PLAN, [step(80)])


def test_the_layers_of_a_model_and_their_operations(tmp_path: Path) -> None:
    shapes, head = layer_shapes(save_tiny_model(tmp_path))
    block = [(32, 32), (16, 32), (16, 32), (32, 32), (48, 32), (48, 32), (32, 48)]
    assert (shapes, head) == (block * 2, (258, 32))
    weights = sum(a * b for a, b in shapes)
    assert Products(shapes, head, 10, 4).run(7, 3) == 4 * weights * 7 + 4 * 258 * 32 * 3


def test_the_process_prints_seconds_and_operations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("[[7, 3], [5, 2]]"))
    assert main(["--model", str(save_tiny_model(tmp_path)), "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    weights = 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 48 * 32)
    assert found["operations"] == 4 * weights * 12 + 4 * 258 * 32 * 5
    assert found["seconds"] > 0


def test_the_share_of_a_run(tmp_path: Path) -> None:
    events = [PLAN, step(90), step(90, seconds=1e3), step(90, seconds=1e3)]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    task = Task("m", save_tiny_model(tmp_path / "m"), tmp_path, tmp_path, 10, 4, 4, threads=1)
    run = Measurement(10, 100, 1.0, None, 500.0, 9.0, (1.0,), {})
    found = with_product_share(run, tmp_path, task, os.environ)
    assert found.product_share is not None
    assert 0 < found.product_share < 0.5
    assert found.product_gflops is not None
    assert found.product_gflops > 0
    with pytest.raises(RunError, match="lacks the sizes"):
        with_product_share(run, tmp_path / "none", task, os.environ)
