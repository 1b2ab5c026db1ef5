"""Rows that call tools, from the file to a trained model and its report."""

import json
from itertools import islice, product
from pathlib import Path

import pytest

from tunery.config.load import load_run
from tunery.models.tool_text import read_answer
from tunery.pipelines import evaluate, finetune
from tunery.pipelines.listener import Listener
from tunery.serve.engines.opening import open_torch_engine
from tunery.testing.tiny_models import save_tiny_model

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("up", "down")
]


class Log(Listener):
    def __init__(self):
        self.lines = []

    def log(self, message):
        self.lines.append(message)


def row(way, height):
    call = {"name": way, "arguments": json.dumps({"m": height})}
    return {
        "messages": [
            {"role": "user", "content": f"{way} {height}"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            },
        ],
        "tools": TOOLS,
        "parallel_tool_calls": False,
    }


@pytest.fixture
def config(tmp_path):
    model = save_tiny_model(tmp_path / "model", max_position_embeddings=1024)
    rows = (row(way, height) for height, way in product(range(10), ("up", "down")))
    for file, count in (("train", 12), ("test", 4)):
        lines = [json.dumps(value) for value in islice(rows, count)]
        (tmp_path / f"{file}.jsonl").write_text("\n".join(lines) + "\n")
    path = tmp_path / "config.yaml"
    path.write_text(
        json.dumps(
            {
                "name": "flier",
                "model": str(model),
                "data": {"train": "train.jsonl", "test": "test.jsonl"},
                "train": {"epochs": 2, "batch_size": 4, "learning_rate": 0.01},
                "evaluate": {"max_tokens": 4},
            }
        )
    )
    return load_run(path)


def test_tool_calls_are_trained_compared_and_reported(config, tmp_path):
    log, home = Log(), tmp_path / "home"
    result = finetune.run(config, home, offline=True, resume=False, listener=log)
    assert any(line.startswith("Tools are written as text") for line in log.lines)
    report = json.loads((result.folder / "report.json").read_text())
    assert report["rows"] == {"compared": 4, "unused": []}
    sample = report["samples"][0]
    assert sample["tools"] == TOOLS
    (call,) = read_answer(sample["reference"]).calls
    assert (call.name, json.loads(call.arguments)) == ("up", {"m": 6})

    engine = open_torch_engine(config.model, Path(config.model), [result.tuned])
    again = evaluate.run(
        engine,
        home,
        "flier",
        config.data.test,
        config.data,
        config.evaluate,
        listener=log,
    )
    texts = [[a.text for a in c.tuned.answers] for c in (result.comparison, again.comparison)]
    assert texts[0] == texts[1]
