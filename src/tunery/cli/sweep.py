"""`tunery sweep`: which values of a run give the lowest validation loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import AsJson, note, say, show_json, show_table
from tunery.cli.unproven import Unproven, with_unproven

if TYPE_CHECKING:
    from tunery.pipelines.sweep import Trial


def sweep(
    context: typer.Context,
    config: Annotated[
        Path,
        typer.Argument(help="The run's YAML file, with a `sweep` section.", show_default=False),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value; may be repeated."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the trials of before.")
    ] = False,
    unproven: Unproven = False,
    as_json: AsJson = False,
) -> None:
    """Try values of a run and keep those with the lowest validation loss.

    Needs Optuna: pip install 'tunery[sweep]'. The best values are written as a configuration.

    Example: tunery sweep config.yaml
    """
    # Imported here: they load torch, which `tunery --help` must not wait for.
    from tunery.config.load import load_run
    from tunery.pipelines import sweep as pipeline

    workspace = open_workspace(context)
    result = pipeline.run(
        load_run(config, with_unproven(overrides, unproven=unproven)),
        workspace.home,
        offline=workspace.offline,
        resume=resume,
        log=note,
        on_trial=lambda trial: note(f"Trial {trial.number}: {_tried(trial)}: {_outcome(trial)}"),
    )
    if as_json:
        show_json(json.loads((result.folder / "sweep.json").read_text("utf-8")))
        return
    keys = list(result.best.values)
    show_table(
        ("Trial", *keys, "Outcome"),
        [
            (str(t.number), *(_value(t.values.get(key)) for key in keys), _outcome(t))
            for t in result.trials
        ],
    )
    say(f"Best: trial {result.best.number}, {_outcome(result.best)}")
    say(f"Plot: {result.folder / 'sweep.png'}")
    say(f"Train it: tunery train {result.folder / 'best.yaml'}")


def _tried(trial: Trial) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in trial.values.items())


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _outcome(trial: Trial) -> str:
    if trial.error is not None:
        return f"failed: {trial.error}"
    loss = "no loss" if trial.loss is None else f"validation loss {trial.loss:.4f}"
    return loss if trial.state == "complete" else f"{trial.state}, {loss}"
