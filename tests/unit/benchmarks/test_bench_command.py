import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.train_vs_trl import machine
from benchmarks.train_vs_trl.__main__ import main, result
from benchmarks.train_vs_trl.comparison import Comparison, Measurement, Pair
from benchmarks.train_vs_trl.options import read_options
from benchmarks.train_vs_trl.task import Task


def rows_file(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "p", "completion": "c"}) + "\n")
    return path


def test_an_absent_data_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path / "absent.jsonl")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "absent.jsonl" in err
    assert "Traceback" not in err


def test_too_few_rows_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(rows_file(tmp_path)), "--rows", "5"]) == 2
    assert "has 1 usable rows of 1, expected at least 5" in capsys.readouterr().err


def test_an_absent_model_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNERY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    line = ["--data", str(rows_file(tmp_path)), "--rows", "1", "--model", str(tmp_path / "none")]
    assert main(line) == 2
    assert f"The model folder {tmp_path / 'none'} is not there." in capsys.readouterr().err


def test_the_result_is_a_table_or_one_object(tmp_path: Path) -> None:
    run = Measurement(8, 100, 2.0, None, 500.0, 9.0, (1.0,), {})
    comparison = Comparison((Pair(run, run),), {})
    task = Task("some-model", tmp_path, tmp_path / "rows.jsonl", rows=8, batch=4, threads=2)
    line = ["--data", "data/train.jsonl", "--rows", "8", "--batch", "4"]
    table = result(comparison, task, read_options(line))
    assert table.startswith("train.jsonl: 8 rows, batch 4, some-model, LoRA rank 16, threads 2, ")
    assert "| rows/s over training" in table
    answer = json.loads(result(comparison, task, read_options([*line, "--json"])))
    assert answer["settings"] == {
        "data": "data/train.jsonl",
        "rows": 8,
        "batch": 4,
        "epochs": 1,
        "model": "some-model",
        "method": "lora",
        "rank": 16,
        "alpha": 32,
        "learning_rate": 0.001,
        "schedule": "constant",
        "threads": 2,
        "repeat": 1,
    }
    assert answer["ratio"]["rows_per_s"]["median"] == 1.0
    assert answer["machine"]["cpu"]


def test_what_measures_loads_no_deep_learning_library() -> None:
    code = (
        "import sys, benchmarks.train_vs_trl.__main__;"
        "print(sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_machine_is_described() -> None:
    about = machine.describe()
    assert about["cpu"]
    assert 1 <= about["cores"] <= about["cores_of_machine"]
    assert about["memory_gib"] > 0
    assert about["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert json.loads(json.dumps(about)) == about
