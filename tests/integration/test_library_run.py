"""A run on a data set of the library: its version is pinned, its digest recorded, its rows kept."""

import hashlib
import json

import pytest

from tunery.config.dataset_name import DatasetName
from tunery.config.load import load_run
from tunery.data.library.adding import add
from tunery.data.library.removal import remove
from tunery.errors import UserError
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.testing.tiny_models import save_tiny_model

SUPPORT = DatasetName("support")


class Notes(Listener):
    def __init__(self):
        self.logs = []

    def log(self, message):
        self.logs.append(message)


def write(file, first, count=12):
    rows = [
        [{"role": "user", "content": f"{n}"}, {"role": "assistant", "content": "ab"[n % 2]}]
        for n in range(first, first + count)
    ]
    file.write_text("".join(json.dumps({"messages": row}) + "\n" for row in rows))
    return file


def test_a_run_pins_and_records_its_data(tmp_path):
    home = tmp_path / "home"
    first = write(tmp_path / "first.jsonl", 0)
    test = write(tmp_path / "test.jsonl", 30, 4)
    add(home, first, SUPPORT)
    path = tmp_path / "config.yaml"
    path.write_text(
        json.dumps(
            {
                "name": "tiny",
                "model": str(save_tiny_model(tmp_path / "model")),
                "data": {
                    "train": "library:support",
                    "validation": "first.jsonl",
                    "test": "test.jsonl",
                    "limit": 8,
                },
                "train": {"epochs": 1, "batch_size": 8, "learning_rate": 0.02},
                "evaluate": {"max_tokens": 2},
            }
        )
    )
    notes = Notes()
    result = finetune.run(load_run(path), home, offline=True, resume=False, listener=notes)

    summary = json.loads((result.folder / "run.json").read_text())
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (first, first, test)]
    assert [(d["role"], d["path"], d["sha256"], d["rows"]) for d in summary["data"]] == [
        ("train", "library:support@v1", digests[0], 8),
        ("validation", str(first), digests[1], 12),
        ("test", str(test), digests[2], 4),
    ]
    assert summary["data_notes"] == [note for note in notes.logs if note.startswith("data.limit")]
    report = result.report.html.read_text()
    assert all(digest in report for digest in digests)
    assert "library:support@v1" in report
    assert "data.limit: 8 of 12 training rows" in report
    assert load_run(result.folder / "run.yaml").data.train == DatasetName("support", 1).path

    add(home, write(tmp_path / "second.jsonl", 50), SUPPORT)
    with pytest.raises(UserError, match="runs/tiny"):
        remove(home, DatasetName("support", 1))
    assert remove(home, DatasetName("support", 2)).freed_bytes > 0
