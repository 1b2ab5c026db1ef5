"""`tunery sweep` on a tiny random model."""

import json
import sys

import pytest
from typer.testing import CliRunner

from tunery.cli.main import app
from tunery.config.load import load_run
from tunery.pipelines import sweep
from tunery.testing.tiny_models import save_tiny_model

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
            "train": {"batch_size": 8, "validate_every": 1},
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

    with pytest.raises(Stop):
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
    other = tunery("sweep", write(SEARCH[:1]), "--resume")
    assert other.exit_code == 2
    assert "The sweep in this folder is another one: sweep was" in other.output


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
