"""`tunery train`: one fine-tune in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import open_console
from tunery.cli.pause import pausing_on_signals
from tunery.cli.unproven import Unproven, with_unproven

if TYPE_CHECKING:
    from tunery.config.run import RunConfig
    from tunery.pipelines.finetune import FinetuneResult
    from tunery.workspace import Workspace


def train(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(help="The run's YAML file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one value; may be repeated."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's newest checkpoint.")
    ] = False,
    unproven: Unproven = False,
) -> None:
    """Fine-tune a model as a YAML file says.

    Example: tunery train config.yaml --set train.epochs=2
    """
    from tunery.config.load import load_run

    changes = with_unproven(overrides, unproven=unproven)
    run_in_foreground(open_workspace(context), load_run(config, changes), resume=resume)


def run_in_foreground(workspace: Workspace, config: RunConfig, *, resume: bool) -> FinetuneResult:
    """Runs a fine-tune with a progress bar, then prints its scores.

    The first Ctrl-C or SIGTERM while it trains pauses it.

    Raises:
        PausedError: It was paused.
    """
    # Imported here: they load torch, which `tunery --help` must not wait for.
    from tunery.cli.progress import RunProgress, show_result
    from tunery.pipelines import finetune
    from tunery.pipelines.pause import ask_to_pause

    console = open_console()

    def ask() -> None:
        ask_to_pause(workspace.home, config.name)

    def is_training() -> bool:
        return progress.current_stage == "train"

    with RunProgress(console) as progress, pausing_on_signals(ask, is_training):
        result = finetune.run(
            config, workspace.home, offline=workspace.offline, resume=resume, listener=progress
        )
    show_result(console, result)
    return result
