"""`tunery lr-range`: which learning rate a run should take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import AsJson, note, say, show_json, show_table
from tunery.cli.unproven import Unproven, with_unproven

if TYPE_CHECKING:
    from tunery.train.rate_range import RatePoint

SHOWN = 20
"""Steps in the printed table; the JSON file has all."""


def rate_range(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The run's YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value; may be repeated."),
    ] = None,
    lowest: Annotated[
        float, typer.Option("--from", help="Learning rate of the first step.")
    ] = 1e-6,
    highest: Annotated[float, typer.Option("--to", help="Learning rate of the last step.")] = 1.0,
    steps: Annotated[int, typer.Option(help="Steps, each at a higher rate.")] = 60,
    unproven: Unproven = False,
    as_json: AsJson = False,
) -> None:
    """Try growing learning rates on a run's rows and suggest one.

    The run itself and its checkpoints are not touched. The suggestion is a tenth of the rate at
    which the smoothed loss was lowest, divided by train.learning_rate_multiplier, which a run
    multiplies it by.

    Example: tunery lr-range config.yaml --steps 100
    """
    # Imported here: they load torch, which `tunery --help` must not wait for.
    from tunery.config.load import load_run
    from tunery.pipelines import rate_range as pipeline

    workspace = open_workspace(context)

    def tell(point: RatePoint) -> None:
        note(f"rate {point.rate:.2e}: loss {point.loss:.4f}, smoothed {point.smoothed:.4f}")

    report = pipeline.run(
        load_run(config, with_unproven(overrides, unproven=unproven)),
        workspace.home,
        offline=workspace.offline,
        rates=(lowest, highest),
        steps=steps,
        log=note,
        on_point=tell,
    )
    if as_json:
        show_json(json.loads(report.json.read_text("utf-8")))
        return
    points = report.found.points
    shown = points[:: -(-len(points) // SHOWN) or 1]
    show_table(
        ("Rate", "Loss", "Smoothed"),
        [(f"{p.rate:.2e}", f"{p.loss:.4f}", f"{p.smoothed:.4f}") for p in shown],
    )
    suggested = report.found.suggested
    if suggested is None:
        say(f"No learning rate is suggested. {report.found.reason}")
    else:
        say(f"Suggested: train.learning_rate={suggested:g} ({report.found.reason})")
    say(f"Plot: {report.plot}")
    say(f"All steps: {report.json}")
