"""`tunery data convert`: a data file in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tunery.cli.output import AsJson, note, say, show_json, show_table
from tunery.cli.reading import (
    CompletionColumn,
    DataFile,
    FormatOption,
    PromptColumn,
    SystemColumn,
    SystemPrompt,
    column_mapping,
)

if TYPE_CHECKING:
    from tunery.data.convert.run import Converted

SHOWN_FINDINGS = 50
EXIT_SOME_LISTED = 1
EXIT_NONE_WRITTEN = 2

OutFile = Annotated[
    Path,
    typer.Argument(
        metavar="OUT",
        help="The file to write: .jsonl, .json, .csv, .tsv or .parquet.",
        show_default=False,
    ),
]
Target = Annotated[
    # `data.convert.target.TargetName`, written out: importing it would cost every command's start.
    Literal["openai", "alpaca", "sharegpt", "trl", "parquet"],
    typer.Option("--to", help="The format to write.", show_default=False),
]


def convert_data(
    file: DataFile,
    out: OutFile,
    *,
    to: Target,
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
    force: Annotated[bool, typer.Option(help="Replace OUT if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a data file in another format, and list every row that it cannot hold.

    A row is written only if it reads back as the same; the others are listed with the reason.
    Ends with 0 if every row was written, 1 if some are listed, 2 if none could be written.

    Example: tunery data convert train.csv train.jsonl --to openai
    """
    from tunery.data.convert.run import convert
    from tunery.data.file import understand

    columns = column_mapping(prompt_column, completion_column, system_column)
    understood = understand(file, format=format, columns=columns, system=system)
    done = convert(understood, out, to, force=force)
    if as_json:
        show_json({"format": understood.format, "to": to, **_document(done)})
    else:
        say(f"{file}: format {understood.format} ({understood.reason})")
        _show(done)
    if not done.written:
        raise typer.Exit(EXIT_NONE_WRITTEN)
    if done.listed:
        raise typer.Exit(EXIT_SOME_LISTED)


def _document(done: Converted) -> dict[str, object]:
    return {
        "out": None if done.out is None else str(done.out),
        "rows": done.total,
        "written": done.written,
        "listed": done.listed,
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "line": finding.line,
                "message": finding.message,
                "fix": finding.hint,
            }
            for finding in done.findings
        ],
    }


def _show(done: Converted) -> None:
    shown = done.findings[:SHOWN_FINDINGS]
    if shown:
        show_table(
            ("Line", "Code", "What", "What to do"),
            [(str(f.line) if f.line else "file", f.code, f.message, f.hint) for f in shown],
            styles=["red" if f.severity == "error" else "yellow" for f in shown],
        )
    if len(done.findings) > SHOWN_FINDINGS:
        note(f"These are the first {SHOWN_FINDINGS} of {len(done.findings)}; `--json` lists all.")
    where = f"written to {done.out}" if done.out else "written"
    say(f"{done.total:,} rows in = {done.written:,} {where} + {done.listed:,} listed", style="bold")
