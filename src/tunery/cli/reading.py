"""The options of commands that read a data file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tunery.config.data import ColumnMapping

FormatOption = Annotated[
    # `config.data.FormatName`, written out: importing it here would cost every command's start.
    Literal["auto", "chat", "prompt_completion", "csv"],
    typer.Option("--format", help="Format of the file; auto looks at its ending and its rows."),
]
PromptColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="CSV column with the user's text.", show_default="prompt"),
]
CompletionColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="CSV column with the answer.", show_default="completion"),
]
SystemColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="CSV column with a system prompt for its row.")
]
SystemPrompt = Annotated[
    str | None, typer.Option(metavar="TEXT", help="System prompt for rows that have none.")
]
DataFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A .jsonl or .csv file.", show_default=False),
]


def column_mapping(
    prompt: str | None, completion: str | None, system: str | None
) -> ColumnMapping | None:
    """The columns that were named, the others by their usual names; None if none was named."""
    if prompt is None and completion is None and system is None:
        return None
    from tunery.config.data import ColumnMapping

    return ColumnMapping(
        prompt=prompt or "prompt", completion=completion or "completion", system=system
    )
