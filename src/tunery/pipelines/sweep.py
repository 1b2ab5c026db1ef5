"""A search for the values of a run with the lowest validation loss, by Optuna."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from tunery.config.load import dump_run
from tunery.config.reference import describe
from tunery.config.run import RunConfig
from tunery.config.sweep import SearchKey, SweepSection, Value
from tunery.errors import ConfigError, MismatchError, RunError, TuneryError, UserError
from tunery.models.load import LoadedModel, set_threads
from tunery.models.sources import fetch
from tunery.pipelines.aside import moved_aside
from tunery.pipelines.finetune import with_targets
from tunery.pipelines.locate import pin
from tunery.pipelines.opening import compare_unproven, open_base
from tunery.pipelines.prepare import PreparedData, prepare_data
from tunery.pipelines.sweep_plot import plot
from tunery.train.events import Event, Validated
from tunery.train.run import train
from tunery.train.session import Session

ENDED = ("COMPLETE", "PRUNED", "FAIL")
INTERRUPTED = "interrupted; its values were tried again"


@dataclass(frozen=True, slots=True)
class Trial:
    """One training of a sweep.

    Attributes:
        number: From 0.
        state: `complete`, `pruned` or `fail`.
        values: Of the searched keys.
        loss: Lowest validation loss, in nats a trained token; None if there was none.
        error: Why it failed; None if it did not.
    """

    number: int
    state: str
    values: dict[str, Value]
    loss: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep found.

    Attributes:
        trials: In the order in which they ran.
        best: The complete trial with the lowest loss.
        folder: Holds `sweep.json`, `sweep.png` and `best.yaml`, ready for `tunery train`.
    """

    trials: tuple[Trial, ...]
    best: Trial
    folder: Path


def run(
    config: RunConfig,
    home: Path,
    *,
    offline: bool,
    resume: bool,
    log: Callable[[str], None],
    on_trial: Callable[[Trial], None],
) -> SweepResult:
    """Runs the trials of a sweep; nothing of them is published.

    Args:
        config: The run, with a `sweep` section.
        home: The home folder; results go into `sweeps/NAME` in it.
        offline: Stay off the network.
        resume: Go on with the trials of before; else these are moved aside.
        log: Told what a person may want to know.
        on_trial: Told each trial that has ended.

    Raises:
        TuneryError: Whatever cannot be done; see `tunery.errors`.
    """
    optuna = _optuna()
    sweep = _checked(config)
    config = config.model_copy(update={"data": pin(config.data, home)})
    folder = home / "sweeps" / config.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        ground = _Ground(config, home, folder, offline, log)
        with moved_aside(folder, "sweep", log, resume=resume) as begin:
            folder.mkdir(exist_ok=True)
            study = _open_study(optuna, config, sweep, folder)
            begin()
            _run_trials(optuna, study, config, sweep, ground, on_trial)
        return _finish(study, config, folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps two sweeps of one name from writing into one folder."""
    try:
        with FileLock(folder.parent / f".{folder.name}.lock", timeout=0):
            yield
    except Timeout:
        raise UserError(
            f"A sweep called {folder.name} is going on in another process.",
            "Wait for it, or set `name` to another one.",
        ) from None


class _Ground:
    """What all trials share: files, rows, and where they run."""

    def __init__(
        self, config: RunConfig, home: Path, folder: Path, offline: bool, log: Callable[[str], None]
    ) -> None:
        set_threads(config.train.threads)
        self.folder = folder
        self.files = fetch(config.model, home, offline=offline, log=log)
        model = self.open(config)
        self.data: PreparedData = prepare_data(
            config.data, model.template, model.context, config.train.seed, home
        )
        for sentence in self.data.notes:
            log(sentence)
        if not self.data.train or not self.data.validation:
            raise UserError(
                f"There are {len(self.data.train)} training rows and {len(self.data.validation)} "
                "validation rows that can be used; a sweep needs both.",
                "`tunery data check FILE` lists what is wrong with each row.",
            )
        compared = compare_unproven(model, self.data.train)
        if compared is not None:
            log(compared)

    def open(self, config: RunConfig) -> LoadedModel:
        """The base model, untouched."""
        return open_base(config, self.files.folder)


def _run_trials(
    optuna: Any,
    study: Any,
    config: RunConfig,
    sweep: SweepSection,
    ground: _Ground,
    on_trial: Callable[[Trial], None],
) -> None:
    for left in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.set_user_attr(f"interrupted {left.number}", value=True)
        study.tell(left.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(left.params)
    while len([t for t in _trials(study) if t.error != INTERRUPTED]) < sweep.trials:
        trial = study.ask()
        values = {item.key: _draw(trial, item) for item in sweep.search}
        try:
            loss = _train(trial, with_values(config, values), ground, prune=sweep.prune)
            study.tell(trial, loss)
        except optuna.TrialPruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        except TuneryError as error:
            trial.set_user_attr("error", str(error))
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        on_trial(_trials(study)[-1])


def _train(trial: Any, config: RunConfig, ground: _Ground, *, prune: bool) -> float:
    """Trains once; returns the lowest validation loss."""
    from optuna import TrialPruned

    losses: list[float] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Validated):
            losses.append(event.loss)
            trial.report(event.loss, len(losses))
            trial.set_user_attr("lowest", min(losses))
            if prune and trial.should_prune():
                raise TrialPruned

    model = ground.open(config)
    folder = ground.folder / "checkpoints"
    try:
        train(
            model,
            ground.data.train,
            ground.data.validation,
            method=with_targets(config, model),
            settings=config.train,
            session=Session(folder),
            on_event=on_event,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return min(losses)


def with_values(config: RunConfig, values: Mapping[str, Value]) -> RunConfig:
    """A run with other values of some keys, and without its sweep.

    Raises:
        ConfigError: A key does not take its value.
    """
    tree = config.model_dump(mode="json") | {"sweep": None}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tree[section][name] = value
    try:
        return RunConfig.model_validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        given = ", ".join(f"{key} = {value!r}" for key, value in values.items())
        problems = "; ".join(item["msg"] for item in error.errors(include_url=False))
        raise ConfigError(
            f"sweep.search gives {given}, which cannot be used: {problems}.",
            "Correct sweep.search.",
        ) from None


def _checked(config: RunConfig) -> SweepSection:
    """The sweep section; every key and bound is tried before the first training."""
    if config.sweep is None or config.data.validation is None:
        missing, hint = (
            ("sweep", "Add the keys to search under `sweep`.")
            if config.sweep is None
            else ("data.validation", "Add a share such as `data.validation: 0.1`.")
        )
        raise ConfigError(f"The run has no {missing}, which a sweep needs.", hint)
    known = {key.path for key in describe() if key.path.startswith(("train.", "method."))}
    for item in config.sweep.search:
        if item.key not in known:
            raise ConfigError(
                f"sweep.search names {item.key}; expected a key of train or method.",
                "See docs/reference/configuration.md for all keys.",
            )
        ranged = item.low is not None and item.high is not None and item.low < item.high
        if ranged == bool(item.choices) or (item.log and (item.low or 0) <= 0):
            raise ConfigError(
                f"sweep.search of {item.key} has low {item.low}, high {item.high}, log {item.log} "
                f"and choices {item.choices}; expected a low below a high (above 0 with log), or "
                "choices.",
                "Correct sweep.search.",
            )
        for value in item.choices or (item.low, item.high):
            with_values(config, {item.key: value})
    return config.sweep


def _draw(trial: Any, item: SearchKey) -> Value:
    value: Value
    if item.choices:
        value = trial.suggest_categorical(item.key, list(item.choices))
    elif isinstance(item.low, int) and isinstance(item.high, int):
        value = trial.suggest_int(item.key, item.low, item.high, log=item.log)
    else:
        value = trial.suggest_float(item.key, item.low, item.high, log=item.log)
    return value


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise UserError(
            "A sweep needs Optuna, which is not installed.", "pip install 'tunery[sweep]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _open_study(optuna: Any, config: RunConfig, sweep: SweepSection, folder: Path) -> Any:
    backend = optuna.storages.journal.JournalFileBackend(str(folder / "trials.log"))
    study = optuna.create_study(
        study_name=config.name,
        storage=optuna.storages.JournalStorage(backend),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
        load_if_exists=True,
    )
    study.sampler = optuna.samplers.TPESampler(seed=config.train.seed + len(study.trials))
    content = config.model_dump(mode="json")
    content["sweep"] = [item.model_dump(mode="json") for item in sweep.search]
    before = study.user_attrs.get("config")
    if before is not None and before != content:
        differing = sorted(key for key in content if before.get(key) != content[key])
        raise MismatchError(
            "The sweep in this folder is another one: "
            + "; ".join(f"{k} was {before.get(k)} and is {content[k]}" for k in differing),
            "Run it without --resume to start anew, or give the run another name.",
        )
    study.set_user_attr("config", content)
    return study


def _trials(study: Any) -> list[Trial]:
    return [
        Trial(
            number=trial.number,
            state=trial.state.name.lower(),
            values=dict(trial.params),
            loss=trial.user_attrs.get("lowest"),
            error=INTERRUPTED
            if f"interrupted {trial.number}" in study.user_attrs
            else trial.user_attrs.get("error"),
        )
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in ENDED
    ]


def _finish(study: Any, config: RunConfig, folder: Path) -> SweepResult:
    trials = _trials(study)
    complete = [t for t in trials if t.state == "complete" and t.loss is not None]
    best = min(complete, key=lambda trial: trial.loss or 0.0, default=None)
    content = {
        "name": config.name,
        "model": config.model,
        "metric": "lowest validation loss, nats a trained token",
        "ended": time.strftime("%Y-%m-%d %H:%M %Z"),
        "best": None if best is None else asdict(best),
        "trials": [asdict(trial) for trial in trials],
    }
    (folder / "sweep.json").write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    if best is None:
        errors = "; ".join(f"{t.number}: {t.error}" for t in trials if t.error)
        raise RunError(
            f"No trial of {len(trials)} ended with a loss. {errors}", "Correct sweep.search."
        )
    (folder / "best.yaml").write_text(dump_run(with_values(config, best.values)), "utf-8")
    plot([(t.number, t.state, t.loss) for t in trials], folder / "sweep.png")
    return SweepResult(tuple(trials), best, folder)
