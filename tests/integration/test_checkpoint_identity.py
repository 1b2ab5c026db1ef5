"""What a checkpoint is not gone on from, or only with a word about it."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from tunery.config.load import load_run
from tunery.errors import MismatchError
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.testing.tiny_models import save_tiny_model
from tunery.train.events import Noted

HASH = "'[0-9a-f]{64}'"


class Run:
    """A run in a folder, trained once, to be changed and gone on with."""

    def __init__(self, folder):
        self.folder = folder
        self.model = save_tiny_model(folder / "model")
        self.method = {"targets": ["q_proj"], "blocks": [1], "rank": 2}
        self.train = {"epochs": 1, "batch_size": 4, "learning_rate": 0.01, "threads": 1}
        self.rows = [{"prompt": f"{n % 2} {n}", "completion": "ab"[n % 2]} for n in range(8)]
        self.validation = [{"prompt": "0 8", "completion": "a"}]

    def go(self, *, resume):
        """Trains; returns what was noted."""
        for name in ("rows", "validation"):
            lines = [json.dumps(row) + "\n" for row in getattr(self, name)]
            (self.folder / f"{name}.jsonl").write_text("".join(lines))
        config = {
            "name": "tiny",
            "model": str(self.model),
            "method": self.method,
            "data": {"train": "rows.jsonl", "validation": "validation.jsonl"},
            "train": self.train,
        }
        path = self.folder / "config.yaml"
        path.write_text(json.dumps(config))
        notes = Notes()
        home = self.folder / "home"
        finetune.run(load_run(path), home, offline=True, resume=resume, listener=notes)
        return notes.said

    def change_meta(self, *path, value):
        """Writes another value into the checkpoints, as another version would have."""
        for file in (self.folder / "home" / "runs" / "tiny" / "checkpoints").glob("*/meta.json"):
            meta = inner = json.loads(file.read_text())
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            file.write_text(json.dumps(meta))

    def change_config(self, **values):
        path = self.model / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    def change_weight(self, name, index):
        weights = load_file(self.model / "model.safetensors")
        weights[name].flatten()[index] += 1
        save_file(weights, self.model / "model.safetensors", metadata={"format": "pt"})


class Notes(Listener):
    def __init__(self):
        self.said = []

    def event(self, event):
        if isinstance(event, Noted):
            self.said.append(event.message)


@pytest.fixture
def run(tmp_path):
    threads = torch.get_num_threads()
    run = Run(tmp_path)
    run.go(resume=False)
    yield run
    torch.set_num_threads(threads)


def other_rows(run):
    run.rows[3]["completion"] = "c"


REFUSED = {
    "torch": (
        lambda run: run.change_meta("identity", "torch", value="1.0"),
        f"torch: the checkpoint has '1.0', this run '{re.escape(torch.__version__)}'",
    ),
    "transformers": (
        lambda run: run.change_meta("identity", "transformers", value="1.0"),
        r"transformers: the checkpoint has '1\.0', this run '\d",
    ),
    "tunery": (
        lambda run: run.change_meta("identity", "tunery", value="0.0"),
        r"tunery: the checkpoint has '0\.0', this run '\d",
    ),
    "rows": (other_rows, f"rows_sha256: the checkpoint has {HASH}, this run {HASH}"),
    "base config": (
        lambda run: run.change_config(rms_norm_eps=1e-5),
        f"config_sha256: the checkpoint has {HASH}, this run {HASH}",
    ),
    "weight in another block": (
        lambda run: run.change_weight("model.layers.0.mlp.down_proj.weight", 5),
        f"weights_sha256: the checkpoint has {HASH}, this run {HASH}",
    ),
    "weight of a norm": (
        lambda run: run.change_weight("model.norm.weight", 31),
        f"weights_sha256: the checkpoint has {HASH}, this run {HASH}",
    ),
    "quantize": (
        lambda run: run.method.update(quantize="nf4"),
        "quantize: the checkpoint has None, this run 'nf4'",
    ),
    "format": (
        lambda run: run.change_meta("format", value=99),
        "has the format 99; this version of Tunery goes on from format 1",
    ),
    "no format": (
        lambda run: run.change_meta("format", value=None),
        "has the format none; this version of Tunery goes on from format 1",
    ),
}


@pytest.mark.parametrize("key", REFUSED)
def test_another_one_is_refused_with_both_values(run, key):
    change, said = REFUSED[key]
    change(run)
    with pytest.raises(MismatchError, match=said):
        run.go(resume=True)


def test_another_format_is_told_before_anything_else_is_read(run):
    run.change_meta("sha256", value="of another kind")
    run.change_meta("identity", value=None)
    run.change_meta("format", value=99)
    with pytest.raises(MismatchError, match="has the format 99"):
        run.go(resume=True)


def test_validation_rows_count_where_they_end_the_training(run):
    run.validation[0]["completion"] = "b"
    assert run.go(resume=True) == []
    run.train["early_stopping"] = {}
    run.go(resume=False)
    run.validation[0]["completion"] = "a"
    said = f"validation_sha256: the checkpoint has {HASH}, this run {HASH}"
    with pytest.raises(MismatchError, match=said):
        run.go(resume=True)


def test_the_same_model_elsewhere_is_gone_on_with(run):
    run.change_config(transformers_version="5.0.0")
    assert run.go(resume=True) == []


@pytest.mark.parametrize("blocks", [None, [1]])
def test_weights_that_were_trained_themselves_are_gone_on_with(run, blocks):
    run.method = {"kind": "full", "blocks": blocks}
    run.go(resume=False)
    assert run.go(resume=True) == []
    run.change_weight("model.layers.0.mlp.down_proj.weight", 5)
    with pytest.raises(MismatchError, match="weights_sha256"):
        run.go(resume=True)


def test_another_number_of_threads_is_told(run):
    run.train["threads"] = 2
    (note,) = run.go(resume=True)
    assert "threads: the checkpoint has 1, this run 2" in note
    assert "the weights differ in their last digits" in note


def test_another_library_for_products_is_told(run):
    run.change_meta("rounding", "products", value="abacus")
    (note,) = run.go(resume=True)
    assert "products: the checkpoint has abacus, this run" in note
