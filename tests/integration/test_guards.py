"""What watches over a run: losses of rows, divergence, early stopping."""

import json
import math

import pytest
from safetensors.torch import load_file, save_file

from tunery.config.load import load_run
from tunery.errors import DivergedError, UserError
from tunery.pipelines import finetune
from tunery.pipelines.listener import Listener
from tunery.testing.tiny_models import save_tiny_model
from tunery.train.events import StepDone, StoppedEarly, Validated


class Recorder(Listener):
    def __init__(self):
        self.events = []

    def event(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


class Stop(Exception):
    """Ends a run in the middle, as a crash would."""


class CrashingLater(Recorder):
    """Ends a run when it has trained."""

    def stage(self, name):
        if name == "evaluate":
            raise Stop


def chat(question, answer):
    return json.dumps({"prompt": question, "completion": answer})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def write(tmp_path, model):
    """Writes data and a configuration; returns the loaded configuration."""

    def make(rows=None, method=None, **train):
        rows = rows or [chat(f"{n % 2} {n}", "ab"[n % 2]) for n in range(20)]
        (tmp_path / "train.jsonl").write_text("\n".join(rows) + "\n")
        (tmp_path / "test.jsonl").write_text(chat("1 1", "b") + "\n")
        settings = {"epochs": 3, "batch_size": 8, "learning_rate": 0.02} | train
        config = {
            "name": "tiny",
            "model": str(model),
            "method": method or {},
            "data": {"train": "train.jsonl", "validation": 0.2, "test": "test.jsonl"},
            "train": settings,
            "evaluate": {"max_tokens": 4},
        }
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps(config))
        return load_run(path)

    return make


def run(config, home, listener=None, resume=False):
    return finetune.run(config, home, offline=True, resume=resume, listener=listener or Recorder())


def test_a_wrong_label_is_found_by_its_loss(write, tmp_path):
    rows = [chat(f"{n % 2} {n}", "ab"[n % 2]) for n in range(40)]
    rows[12] = chat("0 12", "q7%K")
    config = write(rows, epochs=6, batch_size=5)
    config = config.model_copy(update={"data": config.data.model_copy(update={"validation": None})})
    result = run(config, tmp_path / "home")
    first = result.hardest[0]
    assert first.place == f"{config.data.train}:13"
    assert (first.question, first.answer) == ("0 12", "q7%K")
    assert first.loss > 1.3 * result.hardest[1].loss
    summary = json.loads((result.folder / "run.json").read_text())
    assert summary["hardest_rows"][0]["place"] == first.place
    assert len(summary["hardest_rows"]) == 10
    memory = summary["memory"]
    error = memory["estimated_peak_bytes"] / memory["measured_peak_bytes"] - 1
    assert memory["error"] == pytest.approx(error, abs=1e-4)
    assert "q7%K" in result.report.html.read_text()


def test_the_loss_of_a_step_is_that_of_its_rows(write, tmp_path):
    recorder = Recorder()
    run(write(micro_batch_tokens=64), tmp_path / "home", recorder)
    for step in recorder.of(StepDone):
        assert len(step.row_numbers) == len(set(step.row_numbers)) == step.rows
        # every answer is two tokens long, so the mean over rows is the mean over tokens
        assert sum(step.row_losses) / step.rows == pytest.approx(step.loss, rel=1e-5)


def test_a_diverging_run_stops_with_the_lines_of_its_rows(write, tmp_path):
    own = save_tiny_model(tmp_path / "own")
    weights = load_file(own / "model.safetensors")
    weights["model.norm.weight"] *= 4  # else a tiny model is never surer than a guess, nor wrong
    save_file(weights, own / "model.safetensors", metadata={"format": "pt"})
    easy = [chat(f"1 {n}", "a" * 9) for n in range(80)]
    odd = [chat(f"1 {n}", f"{n * 7919 % 1000}QX%") for n in range(80)]
    config = write(easy + odd, epochs=1, batch_size=2, batching="in_order", schedule="constant")
    config = config.model_copy(update={"model": str(own)})
    config = config.model_copy(update={"data": config.data.model_copy(update={"validation": None})})
    with pytest.raises(DivergedError, match=r"diverged at step \d+.*train.jsonl:\d+ \(loss"):
        run(config, tmp_path / "home")


def test_a_gradient_that_is_no_number_stops_with_the_lines_of_its_rows(write, tmp_path):
    config = write(epochs=30, learning_rate=1.0, method={"alpha": 3200.0})
    with pytest.raises(DivergedError, match=r"Step \d+ has loss .*train.jsonl:\d+ \(loss"):
        run(config, tmp_path / "home")


def test_a_validation_loss_that_is_no_number_stops_the_run_and_is_not_told(write, tmp_path):
    own = save_tiny_model(tmp_path / "own", tie_word_embeddings=False)
    weights = load_file(own / "model.safetensors")
    tokenizer = json.loads((own / "tokenizer.json").read_text())
    weights["model.embed_tokens.weight"][tokenizer["model"]["vocab"]["Z"]] = math.nan
    save_file(weights, own / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "validation.jsonl").write_text(chat("Z 1", "b") + "\n")
    config = write(epochs=1)
    data = config.data.model_copy(update={"validation": tmp_path / "validation.jsonl"})
    config = config.model_copy(update={"model": str(own), "data": data})
    recorder = Recorder()
    with pytest.raises(DivergedError, match="validation loss after step 3 is nan"):
        run(config, tmp_path / "home", recorder)
    assert len(recorder.of(StepDone)) == 3
    assert not recorder.of(Validated)
    assert not (tmp_path / "home" / "tuned" / "tiny").exists()


def test_early_stopping_takes_the_best_weights_and_resumes_alike(write, tmp_path):
    # so high a rate that the validation loss soon rises
    config = write(epochs=20, learning_rate=0.3, early_stopping={"patience": 2})
    recorder = Recorder()
    whole = run(config, tmp_path / "whole", recorder)
    losses = {event.step: event.loss for event in recorder.of(Validated)}
    (stop,) = recorder.of(StoppedEarly)
    best = min(losses, key=losses.get)
    assert (stop.best_step, stop.best_loss) == (best, losses[best])
    assert max(losses) == stop.step == whole.trained.last_step < stop.steps
    assert whole.trained.taken_step == best < stop.step
    checkpoints = {path.name for path in (whole.folder / "checkpoints").iterdir()}
    assert f"step-{best:06d}" in checkpoints

    class Crashing(Recorder):
        def event(self, event):
            super().event(event)
            if isinstance(event, StepDone) and event.step == stop.step:
                raise Stop

    home = tmp_path / "crashed"
    for resume in (False, True):
        with pytest.raises(Stop):
            run(config, home, Crashing(), resume=resume)
    resumed = Recorder()
    with pytest.raises(Stop):  # trained to its end, crashed before the evaluation
        run(config, home, CrashingLater(), resume=True)
    again = run(config, home, resumed, resume=True)
    assert not resumed.of(StepDone)
    name = "adapter_model.safetensors"
    assert (again.tuned.folder / name).read_bytes() == (whole.tuned.folder / name).read_bytes()


def test_early_stopping_needs_validation_rows(write, tmp_path):
    config = write(early_stopping={})
    config = config.model_copy(update={"data": config.data.model_copy(update={"validation": None})})
    with pytest.raises(UserError, match=r"early_stopping is set, but there are no validation rows"):
        run(config, tmp_path / "home")
