"""One fine-tune, from data to report."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tunery.config.load import dump_run
from tunery.config.method import MethodSection
from tunery.config.run import RunConfig
from tunery.data.findings import Finding
from tunery.errors import DataError, UserError
from tunery.evaluate.about import HardRow
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.report import ReportFiles, write_report
from tunery.evaluate.run import compare
from tunery.evaluate.sample import samples_from
from tunery.models.adapters import save_adapter
from tunery.models.catalog import load_catalog
from tunery.models.load import LoadedModel, open_model, set_threads
from tunery.models.registry import TunedModel, publish
from tunery.models.sources import fetch
from tunery.models.whole import save_whole
from tunery.pipelines.aside import moved_aside
from tunery.pipelines.hardest import hardest_rows
from tunery.pipelines.listener import Listener
from tunery.pipelines.locate import pin
from tunery.pipelines.opening import compare_unproven, open_base
from tunery.pipelines.pause import lock_file, pause_file
from tunery.pipelines.prepare import PreparedData, prepare_data
from tunery.pipelines.record import about_run, loss_curves, write_summary
from tunery.pipelines.training_log import TrainingLog
from tunery.prefix import attention, lora
from tunery.prefix.sharing import check_decodes
from tunery.prefix.targets import block_layers
from tunery.serve.engines.torch import TorchEngine
from tunery.track.event_log import EventLog
from tunery.train.events import Event, Noted, Resumed
from tunery.train.plan import TrainPlan
from tunery.train.run import TrainResult, peak_memory, train
from tunery.train.session import Session


@dataclass(frozen=True, slots=True)
class FinetuneResult:
    """What a fine-tune made.

    Attributes:
        tuned: The tuned model.
        folder: The run's folder.
        comparison: Base against tuned model; None without test rows.
        report: The report; None without test rows.
        seconds: Duration of each stage.
        peak_bytes: Peak memory of the process.
        trained: What training itself gave: the plan, and the peak of memory until its end.
        hardest: Training rows with the highest loss in the last epoch.
    """

    tuned: TunedModel
    folder: Path
    comparison: Comparison | None
    report: ReportFiles | None
    seconds: dict[str, float]
    peak_bytes: int
    trained: TrainResult
    hardest: tuple[HardRow, ...]


def run(
    config: RunConfig, home: Path, *, offline: bool, resume: bool, listener: Listener
) -> FinetuneResult:
    """Fetches the model, reads the data, trains, publishes the adapter and proves what it does.

    Args:
        config: The run.
        home: The home folder; the run's folder is `runs/NAME` in it.
        offline: Stay off the network.
        resume: Go on from the run's newest checkpoint.
        listener: Told what happens.

    Raises:
        PausedError: A pause was asked for (see `pipelines.pause`), and training can be resumed.
        TuneryError: Whatever cannot be done; see `tunery.errors`.
    """
    if config.name in load_catalog() or config.name == config.model:
        raise UserError(
            f"The run is called {config.name}, which is the name of a base model.",
            "Set `name` to another one: the tuned model gets it.",
        )
    config = config.model_copy(update={"data": pin(config.data, home)})
    with _locked(home, config.name):
        pause_file(home, config.name).unlink(missing_ok=True)  # meant for an earlier process
        return _run(config, home, offline=offline, resume=resume, listener=listener)


def _run(
    config: RunConfig, home: Path, *, offline: bool, resume: bool, listener: Listener
) -> FinetuneResult:
    stages = _Stages(listener)
    folder = home / "runs" / config.name

    stages.begin("model")
    set_threads(config.train.threads)
    files = fetch(config.model, home, offline=offline, log=listener.log)
    model = open_base(config, files.folder)

    if config.data.test is not None:
        check_decodes(model.network)

    stages.begin("data")
    data = prepare_data(config.data, model.template, model.context, config.train.seed, home)
    for sentence in data.notes:
        listener.log(sentence)
    _check_rows(data)
    events = EventLog(folder / "events.jsonl")
    asked = pause_file(home, config.name).exists
    session = Session(folder / "checkpoints", resume, asked)
    with moved_aside(folder, "run", listener.log, resume=resume) as begin:
        _open_folder(folder, config)
        _list_findings(data, folder, listener)
        if data.tools:
            listener.log(data.tools)
        stages.begin("train")
        result = _train(
            model,
            data,
            config,
            folder,
            session=session,
            events=events,
            listener=listener,
            begin=begin,
        )
    if result.adapter is None:
        save_whole(model, folder / "model")
    else:
        save_adapter(result.adapter, folder / "adapter")
        if config.method.new_tokens:
            model.template.tokenizer.save_pretrained(folder / "adapter")
    tuned = publish(home, config.name, config.model, folder, data.system)
    hardest = hardest_rows(events.read("step"), data.train, data.conversations)

    comparison = report = None
    if config.data.test is not None:
        stages.begin("evaluate")
        comparison = _compare(model, files.folder, result, data, config, listener)
        stages.begin("report")
        about = about_run(config, files, data, result, stages.seconds, hardest)
        report = write_report(comparison, loss_curves(events), about, folder)
    stages.end()
    write_summary(folder, config, files, data, result, stages.seconds, hardest)
    return FinetuneResult(
        tuned, folder, comparison, report, stages.seconds, peak_memory(), result, hardest
    )


class _Stages:
    """Names and times the stages of a run."""

    def __init__(self, listener: Listener) -> None:
        self.seconds: dict[str, float] = {}
        self._listener = listener
        self._name = ""
        self._begin = 0.0

    def begin(self, name: str) -> None:
        self.end()
        self._name, self._begin = name, time.perf_counter()
        self._listener.stage(name)

    def end(self) -> None:
        if self._name:
            self.seconds[self._name] = round(time.perf_counter() - self._begin, 3)
        self._name = ""


@contextmanager
def _locked(home: Path, name: str) -> Iterator[None]:
    """Keeps two runs of one name from writing into one folder."""
    (home / "runs").mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock_file(home, name), timeout=0):
            yield
    except Timeout:
        raise UserError(
            f"A run called {name} is going on in another process.",
            "Wait for it, or set `name` to another one.",
        ) from None


def _open_folder(folder: Path, config: RunConfig) -> None:
    """Makes the run's folder, unless the run is resumed and has one."""
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / "run.yaml").write_text(dump_run(config), "utf-8")


def _check_rows(data: PreparedData) -> None:
    if not data.train:
        refused = [finding for finding in data.findings if finding.severity == "error"]
        raise DataError(
            f"No row of the training file can be trained on; {_first(refused)}",
            "`tunery data check FILE` lists what is wrong with each row.",
        )


def _list_findings(data: PreparedData, folder: Path, listener: Listener) -> None:
    lines = [json.dumps(asdict(finding), ensure_ascii=False) for finding in data.findings]
    (folder / "findings.jsonl").write_text("".join(line + "\n" for line in lines), "utf-8")
    refused = [finding for finding in data.findings if finding.severity == "error"]
    rows = {(finding.file, finding.line) for finding in refused}
    if rows:
        listener.log(
            f"{len(rows)} rows cannot be used; the first: {_first(refused)} "
            f"All are listed in {folder / 'findings.jsonl'}."
        )


def _first(findings: list[Finding]) -> str:
    if not findings:
        return "the file has no rows left after the split."
    first = findings[0]
    return f"{first.file}:{first.line}: {first.message}"


def _train(
    model: LoadedModel,
    data: PreparedData,
    config: RunConfig,
    folder: Path,
    *,
    session: Session,
    events: EventLog,
    listener: Listener,
    begin: Callable[[], None],
) -> TrainResult:
    log = TrainingLog(events, resumes=session.resume)

    def on_event(event: Event) -> None:
        if isinstance(event, TrainPlan):  # nothing can refuse a new run any more
            begin()
        log.write(event)
        if isinstance(event, Resumed):  # the checkpoint is known to be this training's
            (folder / "run.yaml").write_text(dump_run(config), "utf-8")
        listener.event(event)

    compared = compare_unproven(model, data.train)
    if compared is not None:
        on_event(Noted(compared))
    return train(
        model,
        data.train,
        data.validation,
        method=with_targets(config, model),
        settings=config.train,
        session=session,
        on_event=on_event,
    )


def with_targets(config: RunConfig, model: LoadedModel) -> MethodSection:
    """The method with its target layers named: the user's, or every one of a block."""
    if config.method.targets is not None or config.method.kind == "full":
        return config.method
    return config.method.model_copy(update={"targets": block_layers(model.network)})


def _compare(
    model: LoadedModel,
    files: Path,
    result: TrainResult,
    data: PreparedData,
    config: RunConfig,
    listener: Listener,
) -> Comparison:
    samples, unused = samples_from(
        data.test, config.evaluate.limit, written=model.template.answer_text
    )
    if result.adapter is None or result.adapter.own_embedding:
        lora.keep_all(model.network)
        base = open_model(config.model, files, attention=attention.NAME, unproven=config.unproven)
        engine = TorchEngine(
            base,
            {},
            wholes={config.name: lambda: model},
            templates={config.name: model.template},
        )
    else:
        engine = TorchEngine(model, {config.name: result.adapter})
    return compare(
        engine,
        model.name,
        config.name,
        samples,
        max_tokens=config.evaluate.max_tokens,
        batch_size=config.evaluate.batch_size,
        unused=unused,
        on_progress=listener.answered,
    )
