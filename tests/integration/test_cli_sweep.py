"""`tunery sweep` on a tiny random model."""

import json
import signal
import subprocess
import sys

import optuna
import pytest
from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.config.load import load_run
from tunery.pipelines import sweep
from tunery.testing.tiny_models import save_tiny_model

DIE_IN_THE_SECOND_TRIAL = """
import os, signal, sys, threading, time
from pathlib import Path

from tunery.config.load import load_run
from tunery.pipelines import sweep

config, home = map(Path, sys.argv[1:])


def die():
    while not any((home / "sweeps" / "tiny" / "checkpoints").glob("*")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)


def after_the_first(trial):
    threading.Thread(target=die, daemon=True).start()


sweep.run(
    load_run(config), home, offline=True, resume=False, log=print, on_trial=after_the_first
)
"""
SEARCH = [
    {"key": "train.learning_rate", "low": 1e-5, "high": 0.05, "log": True},
    {"key": "method.rank", "choices": [2, 4]},
    {"key": "train.epochs", "low": 1, "high": 2},
]


@pytest.fixture
def write(tmp_path):
    rows = [{"prompt": f"{n % 2} {n}", "completion": "ab"[n % 2]} for n in range(20)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = save_tiny_model(tmp_path / "model")

    def make(search=SEARCH, **more):
        content = {
            "name": "tiny",
            "model": str(model),
            "data": {"train": "rows.jsonl", "validation": 0.2},
            "train": {"batch_size": 8, "validate_every": 1, "threads": 1},
            "sweep": {"trials": 5, "search": search} | more,
        }
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps(content))
        return path

    return make


@pytest.fixture
def tunery(tmp_path):
    environment = {"TUNERY_HOME": str(tmp_path / "home"), "TUNERY_OFFLINE": "1"}
    return lambda *words: CliRunner().invoke(app, [str(w) for w in words], env=environment)


def test_the_best_values_become_a_configuration(tunery, write, tmp_path):
    result = tunery("sweep", write())
    assert result.exit_code == 0, result.output
    folder = tmp_path / "home" / "sweeps" / "tiny"
    found = json.loads((folder / "sweep.json").read_text())
    assert [trial["number"] for trial in found["trials"]] == [0, 1, 2, 3, 4]
    complete = [trial for trial in found["trials"] if trial["state"] == "complete"]
    assert found["best"] == min(complete, key=lambda trial: trial["loss"])
    best = load_run(folder / "best.yaml")
    values = found["best"]["values"]
    assert best.train.learning_rate == values["train.learning_rate"]
    assert (best.method.rank, best.train.epochs) == (values["method.rank"], values["train.epochs"])
    assert (best.name, best.sweep) == ("tiny", None)
    assert (folder / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "checkpoints").exists()
    assert "Best: trial" in result.output
    assert not (tmp_path / "home" / "tuned").exists()


def test_a_stopped_sweep_goes_on_and_another_is_refused(tunery, write, tmp_path):
    class Stop(Exception):
        pass

    def stop(trial):
        if trial.number == 1:
            raise Stop

    with pytest.raises(Stop) as stopped:
        sweep.run(
            load_run(write()),
            tmp_path / "home",
            offline=True,
            resume=False,
            log=print,
            on_trial=stop,
        )
    result = tunery("sweep", write(), "--resume", "--json")
    assert result.exit_code == 0, result.output
    assert [trial["number"] for trial in json.loads(result.stdout)["trials"]] == [0, 1, 2, 3, 4]
    assert stopped.tb is not None  # its frames are alive, and hold the name no longer
    other = tunery("sweep", write(SEARCH[:1]), "--resume")
    assert other.exit_code == 2
    assert "The sweep in this folder is another one: sweep was" in other.output


def study_in(home):
    folder = home / "sweeps" / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "trials.log"))
    return optuna.create_study(
        study_name="tiny",
        storage=optuna.storages.JournalStorage(backend),
        load_if_exists=True,
    )


@pytest.mark.parametrize("prune", [True, False])
def test_a_trial_that_learns_nothing_is_ended_at_its_first_validation(
    tunery, write, tmp_path, prune
):
    key = "train.learning_rate"
    waiting = study_in(tmp_path / "home")
    for rate in (0.05, 0.05, 0.05, 1e-8):  # three whole trials are needed for a median
        waiting.enqueue_trial({key: rate})
    path = write([{"key": key, "choices": [0.05, 1e-8]}], trials=4, prune=prune)
    rate = ("--set", "train.warmup_ratio=0", "--set", "train.epochs=2")
    result = tunery("sweep", path, *rate, "--resume", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [trial["values"][key] for trial in found["trials"]] == [0.05, 0.05, 0.05, 1e-8]
    last = "pruned" if prune else "complete"
    assert [trial["state"] for trial in found["trials"]] == [*["complete"] * 3, last]
    ended = found["trials"][3]
    assert ended["error"] is None
    assert ended["loss"] > found["best"]["loss"]
    assert ("1e-08: pruned, validation loss" in result.stderr) is prune
    reports = [len(t.intermediate_values) for t in study_in(tmp_path / "home").trials]
    assert reports == [4, 4, 4, 1 if prune else 4]
    assert not (tmp_path / "home" / "sweeps" / "tiny" / "checkpoints").exists()


def test_a_trial_in_which_the_process_died_is_tried_again(tunery, write, tmp_path):
    path = write(SEARCH[:1], trials=2)
    content = json.loads(path.read_text())
    content["train"] = {"batch_size": 4, "epochs": 5, "checkpoint_every": 1, "threads": 1}
    path.write_text(json.dumps(content))
    died = subprocess.run(
        [sys.executable, "-c", DIE_IN_THE_SECOND_TRIAL, path, tmp_path / "home"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    states = [trial.state.name for trial in study_in(tmp_path / "home").trials]
    assert states == ["COMPLETE", "RUNNING"]
    result = tunery("sweep", path, "--resume", "--json")
    assert result.exit_code == 0, result.output
    first, left, again = json.loads(result.stdout)["trials"]
    assert [t["state"] for t in (first, left, again)] == ["complete", "fail", "complete"]
    assert left["error"] == "interrupted; its values were tried again"
    assert left["values"] == again["values"] != first["values"]
    assert not (tmp_path / "home" / "sweeps" / "tiny" / "checkpoints").exists()


def test_failed_trials_are_listed(tunery, write, tmp_path):
    rates = {"key": "train.learning_rate", "choices": [1.0, 0.01]}
    path = write([rates, {"key": "method.alpha", "choices": [32.0, 1e30]}], prune=False, trials=6)
    result = tunery("sweep", path, "--set", "train.epochs=3", "--json")
    found = json.loads((tmp_path / "home" / "sweeps" / "tiny" / "sweep.json").read_text())
    failed = [trial for trial in found["trials"] if trial["state"] == "fail"]
    assert failed, result.output
    assert all("has loss" in trial["error"] for trial in failed)
    assert len(found["trials"]) == 6


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"key": "train.rate", "choices": [1]}, "names train.rate; expected a key of train or"),
        ({"key": "train.epochs", "low": 3, "high": 1}, "expected a low below a high"),
        ({"key": "train.epochs", "low": 1, "high": 2, "choices": [1]}, "expected a low below"),
        ({"key": "train.epochs", "choices": ["many"]}, "gives train.epochs = 'many', which cannot"),
    ],
)
def test_a_search_that_cannot_be_ends_in_a_sentence(tunery, write, search, said):
    result = tunery("sweep", write([search]))
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_a_run_without_a_sweep_ends_in_a_sentence(tunery, write):
    result = tunery("sweep", write(), "--set", "sweep=null")
    assert result.exit_code == 2
    assert "The run has no sweep" in result.output


def test_without_optuna_the_message_says_what_to_install(tunery, write, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)  # importing it fails, as where it is missing
    result = tunery("sweep", write())
    assert result.exit_code == 2
    assert "pip install 'tunery[sweep]'" in result.output
