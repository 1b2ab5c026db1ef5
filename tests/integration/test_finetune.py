"""The whole walk on a tiny random model: files, training, adapter, comparison, report."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tunery.config.load import load_run
from tunery.data.conversation import Message
from tunery.errors import DataError, MismatchError, NotFoundError, UserError
from tunery.models.adapters import load_adapter
from tunery.pipelines import evaluate, finetune
from tunery.pipelines.listener import Listener
from tunery.serve.engine import Sampling
from tunery.serve.engines.opening import open_torch_engine
from tunery.testing.tiny_models import save_tiny_model
from tunery.train.events import Noted, StepDone, Validated
from tunery.train.plan import TrainPlan

SYSTEM = {"role": "system", "content": "Answer a or b."}


class Recorder(Listener):
    def __init__(self):
        self.events, self.stages, self.logs = [], [], []

    def log(self, message):
        self.logs.append(message)

    def stage(self, name):
        self.stages.append(name)

    def event(self, event):
        self.events.append(event)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


class Stop(Exception):
    """Ends a run in the middle, as a crash would."""


def chat(question, answer):
    messages = [
        SYSTEM,
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def write(tmp_path, model):
    """Writes data and a configuration; returns the loaded configuration."""

    def make(rows=None, method=None, **train):
        rows = rows or [chat(f"{n % 2} {n}", "ab"[n % 2]) for n in range(20)]
        (tmp_path / "train.jsonl").write_text("\n".join(rows) + "\n")
        test = [chat(f"{n % 2} {n}", "ab"[n % 2]) for n in range(20, 30)]
        (tmp_path / "test.jsonl").write_text("\n".join(test) + "\n")
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


def test_from_files_to_a_report(write, tmp_path):
    recorder = Recorder()
    result = run(write(), tmp_path / "home", recorder)
    assert recorder.stages == ["model", "data", "train", "evaluate", "report"]
    (plan,) = recorder.of(TrainPlan)
    steps = recorder.of(StepDone)
    assert plan.rows == 16
    assert [step.step for step in steps] == list(range(1, plan.steps + 1))
    assert sum(step.unique_tokens for step in steps[:2]) == plan.unique_tokens
    assert len(recorder.of(Validated)) == 3
    assert steps[-1].loss < steps[0].loss
    folder = tmp_path / "home" / "runs" / "tiny"
    assert result.folder == folder
    for name in ("run.yaml", "run.json", "events.jsonl", "findings.jsonl", "report.html"):
        assert (folder / name).is_file()
    summary = json.loads((folder / "run.json").read_text())
    assert summary["plan"]["rows"] == 16
    assert summary["peak_bytes"] > 0
    assert len(result.comparison.samples) == 10
    assert (result.tuned.folder / "system.txt").read_text() == SYSTEM["content"]


def test_the_published_model_answers_as_the_report_says(write, tmp_path, model):
    result = run(write(epochs=12, learning_rate=0.005), tmp_path / "home")
    engine = open_torch_engine(str(model), model, [result.tuned])
    prompts = [sample.prompt for sample in result.comparison.samples]
    answers = engine.generate("tiny", prompts, Sampling(max_tokens=4))
    assert [a.text for a in answers] == [a.text for a in result.comparison.tuned.answers]
    assert result.comparison.tuned.answers != result.comparison.base.answers


def test_a_tuned_model_can_be_compared_again_on_other_rows(write, tmp_path, model):
    config = write()
    result = run(config, tmp_path / "home")
    engine = open_torch_engine(str(model), model, [result.tuned])
    path = tmp_path / "more.jsonl"
    path.write_text(chat("1 1", "b") + "\n{broken\n")
    recorder = Recorder()
    again = evaluate.run(
        engine, tmp_path / "home", "tiny", path, config.data, config.evaluate, listener=recorder
    )
    assert len(again.comparison.samples) == 1
    assert "more.jsonl:2" in recorder.logs[0]
    assert again.report.html.is_file()


@pytest.mark.parametrize("method", [{}, {"last_blocks": 1}, {"kind": "full", "blocks": [1]}])
@pytest.mark.parametrize(("crash", "again"), [(5, [5, 6]), (1, [1, 2, 3, 4, 5, 6])])
def test_a_crashed_run_goes_on_to_the_same_weights(write, tmp_path, crash, again, method):
    config = write(method=method, checkpoint_every=2)
    whole = run(config, tmp_path / "whole")

    class Crashing(Recorder):
        def event(self, event):
            super().event(event)
            if isinstance(event, StepDone) and event.step == crash:
                raise Stop

    with pytest.raises(Stop):
        run(config, tmp_path / "crashed", Crashing())
    recorder = Recorder()
    resumed = run(config, tmp_path / "crashed", recorder, resume=True)
    assert [step.step for step in recorder.of(StepDone)] == again
    (file,) = whole.tuned.folder.glob("*.safetensors")
    theirs, ours = load_file(file), load_file(resumed.tuned.folder / file.name)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    events = (resumed.folder / "events.jsonl").read_text().splitlines()
    seen = [e["step"] for e in map(json.loads, events) if e["event"] == "step"]
    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_given_budget_counts_on_resume_too(write, tmp_path):
    run(write(), tmp_path / "home")
    recorder = Recorder()
    run(write(micro_batch_tokens=64), tmp_path / "home", recorder, resume=True)
    (note,) = recorder.of(Noted)
    assert "is 64 now" in note.message


def test_a_mistake_leaves_the_earlier_run_as_it_was(write, tmp_path):
    config = write()
    run(config, tmp_path / "home")
    folder = tmp_path / "home" / "runs" / "tiny"
    missing = config.model_copy(
        update={"data": config.data.model_copy(update={"train": tmp_path / "none.jsonl"})}
    )
    with pytest.raises(NotFoundError):
        run(missing, tmp_path / "home")
    assert (folder / "report.html").is_file()
    before = (folder / "run.yaml").read_text()
    with pytest.raises(MismatchError):
        run(write(learning_rate=0.5), tmp_path / "home", resume=True)
    assert (folder / "run.yaml").read_text() == before
    run(write(epochs=1), tmp_path / "home")
    aside = tmp_path / "home" / "runs" / ".previous" / "tiny"
    assert (aside / "run.yaml").read_text() == before


def test_two_runs_of_one_name_do_not_meet(write, tmp_path):
    config = write()

    class Second(Recorder):
        def stage(self, name):
            if name == "train":
                run(config, tmp_path / "home")

    with pytest.raises(UserError, match="A run called tiny is going on"):
        run(config, tmp_path / "home", Second())


def test_a_run_may_not_take_the_name_of_a_base(write, tmp_path):
    with pytest.raises(UserError, match="is the name of a base model"):
        run(write().model_copy(update={"name": "qwen3-0.6b"}), tmp_path / "home")


def test_a_checkpoint_of_other_settings_is_refused(write, tmp_path):
    run(write(), tmp_path / "home")
    with pytest.raises(
        MismatchError, match=r"learning_rate: the checkpoint has 0.02, this run 0.5"
    ):
        run(write(learning_rate=0.5), tmp_path / "home", resume=True)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ({"kind": "full"}, "kind: the checkpoint has 'lora', this run 'full'"),
        ({"dora": True}, "dora: the checkpoint has False, this run True"),
        ({"rslora": True}, "rslora: the checkpoint has False, this run True"),
        (
            {"targets": ["q_proj"]},
            r"targets: the checkpoint has .*'up_proj'.*, this run \['q_proj'\]",
        ),
        ({"blocks": [1]}, r"blocks: the checkpoint has \[0, 1\], this run \[1\]"),
    ],
)
def test_a_checkpoint_of_another_method_is_refused(write, tmp_path, method, said):
    run(write(), tmp_path / "home")
    with pytest.raises(MismatchError, match=said):
        run(write(method=method), tmp_path / "home", resume=True)


def test_more_blocks_than_there_are_is_said(write, tmp_path):
    recorder = Recorder()
    run(write(method={"last_blocks": 14}), tmp_path / "home", recorder)
    (plan,) = recorder.of(TrainPlan)
    (choice,) = [c for c in plan.choices if c.name == "blocks trained"]
    assert choice.value == "all 2"
    assert choice.reason == "method.last_blocks is 14, the model has 2 blocks"


def test_without_resume_a_run_starts_anew(write, tmp_path):
    run(write(), tmp_path / "home")
    recorder = Recorder()
    run(write(epochs=1), tmp_path / "home", recorder)
    assert [step.step for step in recorder.of(StepDone)] == [1, 2]


def test_every_row_is_used_or_listed(write, tmp_path):
    rows = [chat(f"{n % 2} {n}", "ab"[n % 2]) for n in range(10)]
    rows[3] = "{broken"
    rows[5] = chat("long " * 200, "a")
    rows[7] = chat("7", "")
    recorder = Recorder()
    config = write(rows)
    config = config.model_copy(update={"data": config.data.model_copy(update={"validation": None})})
    run(config, tmp_path / "home", recorder)
    (plan,) = recorder.of(TrainPlan)
    listed = (tmp_path / "home" / "runs" / "tiny" / "findings.jsonl").read_text().splitlines()
    errors = {f["line"]: f["code"] for f in map(json.loads, listed) if f["severity"] == "error"}
    assert sorted(errors) == [4, 6, 8]
    assert errors[6] == "row.too_long"
    assert plan.rows == 10 - len(errors)
    assert recorder.logs[-1].startswith("3 rows cannot be used")


def test_a_file_with_nothing_to_train_stops_before_step_1(write, tmp_path):
    message = {"role": "assistant", "content": "a", "weight": 0}
    rows = [
        json.dumps({"messages": [SYSTEM, {"role": "user", "content": text}, message]})
        for text in "wxyz"
    ]
    recorder = Recorder()
    with pytest.raises(DataError, match="weight 0"):
        run(write(rows), tmp_path / "home", recorder)
    assert not recorder.of(StepDone)


def test_targets_that_the_model_lacks_are_refused(write, tmp_path):
    config = write()
    method = config.method.model_copy(update={"targets": ("q_proj", "w1")})
    with pytest.raises(UserError, match=r"method.targets names w1.*it has down_proj"):
        run(config.model_copy(update={"method": method}), tmp_path / "home")


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # PEFT's own
def test_the_adapter_loads_in_plain_peft_with_the_same_logits(write, tmp_path, model):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    result = run(write(), tmp_path / "home")
    engine = open_torch_engine(str(model), model, [result.tuned])
    prompt = [Message("system", "S"), Message("user", "1 2")]
    engine.generate("tiny", [prompt], Sampling(max_tokens=1))  # wears the adapter
    ids = torch.tensor([engine._base.template.prompt_ids(prompt)])
    network = engine._base.network
    network.set_attn_implementation("eager")
    plain = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(model), result.tuned.folder
    )
    with torch.no_grad():
        torch.testing.assert_close(network(ids).logits, plain(ids).logits, rtol=1e-4, atol=1e-4)
    assert load_adapter(result.tuned.folder).rank == 16


def test_a_checkpoint_of_other_weights_is_refused(write, tmp_path):
    own = save_tiny_model(tmp_path / "own")
    config = write().model_copy(update={"model": str(own)})
    run(config, tmp_path / "home")
    save_tiny_model(tmp_path / "other", seed=9)
    Path(config.model, "model.safetensors").write_bytes(
        (tmp_path / "other" / "model.safetensors").read_bytes()
    )
    with pytest.raises(MismatchError, match="weights_sha256: the checkpoint has"):
        run(config, tmp_path / "home", resume=True)
