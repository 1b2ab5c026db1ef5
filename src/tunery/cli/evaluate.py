"""`tunery eval`: a tuned model against its base on held-out rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tunery.cli.home import Threads, open_workspace
from tunery.cli.output import AsJson, note, open_console, say, show_json
from tunery.cli.reading import (
    CompletionColumn,
    FormatOption,
    PromptColumn,
    SystemColumn,
    SystemPrompt,
    column_mapping,
)
from tunery.errors import NotFoundError


def evaluate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a tuned model.")],
    *,
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Held-out rows that end with the right answer; a file or library:NAME.",
        ),
    ],
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")] = 128,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Compare on the first rows only.", show_default="all")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Rows answered at once.")] = 32,
    threads: Threads = None,
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
    as_json: AsJson = False,
) -> None:
    """Compare a tuned model with its base on held-out rows.

    Both answer every row; a report with all answers is written into the home folder.

    Example: tunery eval support-triage --data test.jsonl
    """
    # Imported here: they load torch, which `tunery --help` must not wait for.
    from tunery.cli.progress import RunProgress, show_scores
    from tunery.config.data import DataSection
    from tunery.config.evaluate import EvaluateSection
    from tunery.pipelines import evaluate as pipeline
    from tunery.pipelines.locate import locate

    workspace = open_workspace(context)
    if not locate(data, workspace.home).path.is_file():  # told before a model is loaded
        raise NotFoundError(f"There is no file {data}.", "Check the path given with --data.")
    note(f"Loading {workspace.find_tuned(name).base} with {name}")
    engine = workspace.open_engine([name], note, threads)
    section = DataSection(
        train=data,
        test=data,
        format=format,
        columns=column_mapping(prompt_column, completion_column, system_column),
        system=system or None,
    )
    settings = EvaluateSection(max_tokens=max_tokens, batch_size=batch_size, limit=limit)
    with RunProgress(open_console(stderr=True)) as progress:
        result = pipeline.run(
            engine, workspace.home, name, data, section, settings, listener=progress
        )
    if as_json:
        show_json(json.loads(result.report.json.read_text("utf-8")))
    else:
        show_scores(result.comparison)
    tell = note if as_json else say
    tell(f"Report: {result.report.html}")
