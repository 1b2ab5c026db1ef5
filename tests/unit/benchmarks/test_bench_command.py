import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.train_vs_peers import machine
from benchmarks.train_vs_peers.__main__ import main, result
from benchmarks.train_vs_peers.cases import Case, Targets
from benchmarks.train_vs_peers.comparison import Measurement
from benchmarks.train_vs_peers.options import read_options
from benchmarks.train_vs_peers.page import page
from benchmarks.train_vs_peers.results import Results
from benchmarks.train_vs_peers.rounds import Rounds
from benchmarks.train_vs_peers.suite import CaseResult
from benchmarks.train_vs_peers.task import Task


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


def measured(tmp_path: Path, repeat: int = 1) -> CaseResult:
    run = Measurement(8, 100, 2.0, None, 500.0, 9.0, (1.0,), {"trl": "1.0"})
    slow = Measurement(8, 100, 0.5, None, 1000.0, 9.0, (1.0,), {"trl": "1.0"})
    task = Task(
        model="some-model",
        model_folder=tmp_path,
        rows_file=tmp_path / "rows.jsonl",
        adapter=tmp_path / "adapter",
        rows=8,
        batch=4,
        micro_batch=2,
        threads=2,
    )
    case = Case("few", Path("few.jsonl"), 8, 4, 2, targets=Targets(speed=5, memory=0.5))
    return CaseResult(case, task, Rounds(({"ours": run, "trl": slow},) * repeat, {}))


def test_the_result_is_a_table_or_one_object(tmp_path: Path) -> None:
    found = measured(tmp_path)
    line = ["--data", "data/few.jsonl", "--rows", "8", "--batch", "4"]
    table = result([found], read_options(line))
    assert table.startswith("few; the peer is TRL\n\nfew.jsonl: 8 rows, batch 4, some-model, ")
    assert "| rows/s over training" in table
    answer = json.loads(result([found], read_options([*line, "--json"])))
    (case,) = answer["cases"]
    assert case["case"] == "few"
    assert (case["settings"]["rows"], case["settings"]["micro_batch_of_trl"]) == (8, 2)
    assert case["peers"]["trl"]["ratio"]["rows_per_s"]["median"] == 4.0
    assert answer["machine"]["cpu"]


def test_the_page_names_the_machine_and_what_was_to_be_reached(tmp_path: Path) -> None:
    text = page([measured(tmp_path, repeat=3)], machine.describe())
    assert machine.describe()["cpu"] in text
    assert "medians of 3" in text.replace("\n", " ")
    (row,) = [line for line in text.splitlines() if line.startswith("| few")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == [
        *("TRL", "2.00", "0.500", "4.00x", ">= 5x"),
        *("500", "1,000", "0.500x", "<= 0.500x", "0.00%", "-"),
    ]


def test_a_measurement_is_found_again_for_the_same_setting_only(tmp_path: Path) -> None:
    results = Results(tmp_path / "kept")
    run = measured(tmp_path).rounds.measured[0]["ours"]
    assert results.load("few/ours-1", {"rows": 8}) is None
    results.save("few/ours-1", {"rows": 8}, run)
    assert results.load("few/ours-1", {"rows": 8}) == run
    assert results.load("few/ours-1", {"rows": 9}) is None
    (tmp_path / "kept" / "few" / "ours-1.json").write_text('{"setting": {"ro')
    assert results.load("few/ours-1", {"rows": 8}) is None


def test_nothing_is_kept_without_a_folder(tmp_path: Path) -> None:
    results = Results(None)
    results.save("few/ours-1", {}, measured(tmp_path).rounds.measured[0]["ours"])
    assert results.load("few/ours-1", {}) is None


def test_what_measures_loads_no_deep_learning_library() -> None:
    code = (
        "import sys, benchmarks.train_vs_peers.__main__;"
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
