import json
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.train_vs_peers.ours import measure_ours, read_run, run_config
from benchmarks.train_vs_peers.peer import measure_peer, read_report
from benchmarks.train_vs_peers.peers import PEERS
from benchmarks.train_vs_peers.process import Finished
from benchmarks.train_vs_peers.task import Task, process_environment

from tunery.config.load import load_run
from tunery.errors import RunError

FINISHED = Finished(exit_code=0, wall_s=20.0, peak_rss_mib=900.0, stdout="", stderr="")
STEPS = [
    {"event": "plan", "rows": 20},
    {"event": "step", "loss": 1.5, "rows": 8, "tokens": 800, "seconds": 4.0},
    {"event": "step", "loss": 1.0, "rows": 8, "tokens": 700, "seconds": 3.0},
    {"event": "checkpoint", "step": 2},
    {"event": "step", "loss": 0.5, "rows": 4, "tokens": 500, "seconds": 2.0},
]
SUMMARY = {"train_seconds": 10.0, "versions": {"torch": "2.13.0"}}
REPORT = {
    "rows": 20,
    "first_rows": 8,
    "tokens": 2000,
    "train_s": 10.0,
    "first_s": 4.0,
    "loss": [1.5, 1.0, 0.5],
    "versions": {"trl": "1.16.0"},
}


def task(folder: Path, **changes: Any) -> Task:
    values: dict[str, Any] = {
        "model": "smollm2-135m-instruct",
        "model_folder": folder / "model",
        "rows_file": folder / "rows.jsonl",
        "adapter": folder / "adapter",
        "rows": 20,
        "batch": 8,
        "micro_batch": 4,
        "threads": 2,
    }
    return Task(**values | changes)


def write_run(folder: Path, steps: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("".join(json.dumps(step) + "\n" for step in steps))
    (folder / "run.json").write_text(json.dumps(summary))


def script(path: Path, code: str) -> Path:
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)
    return path


def test_our_configuration_is_one_that_tunery_accepts(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(run_config(task(tmp_path, batch=4))))
    config = load_run(path)
    assert config.data.train == tmp_path / "rows.jsonl"
    assert (config.data.validation, config.data.test) == (None, None)
    assert (config.method.rank, config.method.alpha, config.method.targets) == (16, 32.0, None)
    train = config.train
    assert (train.epochs, train.batch_size, train.threads) == (1, 4, 2)
    assert (train.schedule, train.learning_rate, train.warmup_ratio) == ("constant", 1e-3, 0)
    assert train.batching == "in_order"


def test_the_numbers_of_our_run(tmp_path: Path) -> None:
    write_run(tmp_path / "run", STEPS, SUMMARY)
    found = read_run(tmp_path / "run", FINISHED)
    assert (found.rows, found.tokens, found.loss) == (20, 2000, (1.5, 1.0, 0.5))
    assert (found.rows_per_s, found.rows_per_s_after_first) == (2.0, 2.0)
    assert (found.peak_rss_mib, found.wall_s) == (900.0, 20.0)
    assert found.versions == {"torch": "2.13.0"}


@pytest.mark.parametrize(("steps", "summary"), [([], SUMMARY), (STEPS, {}), (STEPS[:1], SUMMARY)])
def test_a_run_without_its_numbers(
    tmp_path: Path, steps: list[dict[str, Any]], summary: dict[str, Any]
) -> None:
    write_run(tmp_path / "run", steps, summary)
    with pytest.raises(RunError, match="lacks its numbers"):
        read_run(tmp_path / "run", FINISHED)


def test_a_run_without_files(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="lacks its numbers: FileNotFoundError"):
        read_run(tmp_path / "run", FINISHED)


FAKE_TUNERY = f"""
import json, os, pathlib, sys
home = pathlib.Path(os.environ["TUNERY_HOME"])
assert sys.argv[1:] == ["train", str(home / "config.yaml")]
assert (home / "models" / "some-model").is_dir()
run = home / "runs" / "bench"
run.mkdir(parents=True)
for step in {STEPS!r}:
    with (run / "events.jsonl").open("a") as file:
        file.write(json.dumps(step) + "\\n")
(run / "run.json").write_text(json.dumps({SUMMARY!r}))
"""


def test_our_process_runs_in_a_home_of_its_own_with_the_users_models(tmp_path: Path) -> None:
    (tmp_path / "models" / "some-model").mkdir(parents=True)
    tunery = script(tmp_path / "tunery", FAKE_TUNERY)
    found = measure_ours(
        task(tmp_path), tmp_path / "home", tmp_path / "models", {"PATH": "/bin"}, [str(tunery)]
    )
    assert found.loss == (1.5, 1.0, 0.5)
    assert found.wall_s > 0
    assert found.peak_rss_mib > 1


def test_our_process_fails(tmp_path: Path) -> None:
    tunery = script(tmp_path / "tunery", "raise SystemExit('no such model')")
    with pytest.raises(RunError, match=r"tunery train ended with exit code 1.*\nno such model"):
        measure_ours(task(tmp_path), tmp_path / "home", tmp_path / "models", {}, [str(tunery)])


def test_the_numbers_of_the_peers_report() -> None:
    stdout = f"some progress\n{json.dumps(REPORT)}\n"
    found = read_report("TRL", Finished(0, 20.0, 900.0, stdout, ""))
    assert (found.rows, found.tokens, found.loss) == (20, 2000, (1.5, 1.0, 0.5))
    assert (found.rows_per_s, found.rows_per_s_after_first) == (2.0, 2.0)
    assert (found.peak_rss_mib, found.wall_s) == (900.0, 20.0)
    assert found.versions == {"trl": "1.16.0"}


@pytest.mark.parametrize("stdout", ["", "done", "[1]", '{"rows": 3}'])
def test_a_peer_without_a_report(stdout: str) -> None:
    with pytest.raises(RunError, match="printed no numbers"):
        read_report("TRL", Finished(0, 20.0, 900.0, stdout, ""))


def test_the_peers_process_gets_the_same_task(tmp_path: Path) -> None:
    code = f"import json, sys; print(json.dumps({REPORT!r} | {{'versions': sys.argv}}))"
    python = script(tmp_path / "python", code)
    found = measure_peer(PEERS["trl"], task(tmp_path), python, {})
    given = [str(argument) for argument in found.versions][1:]
    assert given[0] == "-I"
    assert given[1].endswith("peer_trl.py")
    assert given[2] == str(tmp_path / "rows.jsonl")
    options = dict(zip(given[3::2], given[4::2], strict=True))
    assert options == {
        "--model": str(tmp_path / "model"),
        "--batch": "8",
        "--learning-rate": "0.001",
        "--rank": "16",
        "--alpha": "32",
        "--threads": "2",
        "--micro-batch": "4",
        "--adapter": str(tmp_path / "adapter"),
    }
    packed = PEERS["llamafactory"]
    assert not packed.takes(task(tmp_path))
    assert packed.takes(task(tmp_path, pack_tokens=900))
    given = packed.arguments(task(tmp_path, pack_tokens=900, pack_rows=3))
    assert given == ["--pack-tokens", "900", "--pack-rows", "3"]


def test_the_peers_process_fails(tmp_path: Path) -> None:
    python = script(tmp_path / "python", "raise SystemExit('out of memory')")
    with pytest.raises(RunError, match=r"TRL ended with exit code 1.*\nout of memory"):
        measure_peer(PEERS["trl"], task(tmp_path), python, {})


def test_both_processes_have_the_same_threads_and_no_network() -> None:
    environment = process_environment({"OMP_NUM_THREADS": "1", "HOME": "/home/me"}, 4)
    assert environment["HOME"] == "/home/me"
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "4"
    assert environment["HF_HUB_OFFLINE"] == environment["TUNERY_OFFLINE"] == "1"
