"""The options of commands that read a data file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tunery.config.data import ColumnMapping

FormatOption = Annotated[
    # `config.data.FormatName`, written out: importing it here would cost every command's start.
    Literal[
        "auto",
        "chat",
        "prompt_completion",
        "alpaca",
        "sharegpt",
        "preference",
        "alpaca_preference",
        "openai_preference",
        "reinforcement",
        "kto",
        "classification",
        "qa",
        "text",
    ],
    typer.Option("--format", help="Format of the file; auto looks at its first rows."),
]
PromptColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column with the user's text."),
]
CompletionColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Column with the answer."),
]
SystemColumn = Annotated[
    str | None, typer.Option(metavar="NAME", help="Column with a system prompt for its row.")
]
SystemPrompt = Annotated[
    str | None, typer.Option(metavar="TEXT", help="System prompt for rows that have none.")
]
DataLocation = Annotated[
    str,  # an address is no path, and would lose one of its slashes as one
    typer.Argument(
        metavar="FILE",
        help="A file or folder of rows, an https:// or s3:// address, or hub:OWNER/NAME.",
        show_default=False,
    ),
]
DataFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A .jsonl or .csv file.", show_default=False),
]


def column_mapping(
    prompt: str | None, completion: str | None, system: str | None
) -> ColumnMapping | None:
    """The columns that were named; None if none was named."""
    if prompt is None and completion is None and system is None:
        return None
    from tunery.config.data import ColumnMapping

    return ColumnMapping(prompt=prompt, completion=completion, system=system)
