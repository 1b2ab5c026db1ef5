"""`tunery data`: what a data file holds and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tunery.cli import data_library, data_shape
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
    from tunery.data.findings import Finding
    from tunery.data.read import ReadResult

app = typer.Typer(no_args_is_help=True, help="Look at data files before training on them.")

data_library.register(app)
data_shape.register(app)

SHOWN_FINDINGS = 50
EXIT_BAD_ROWS = 1

STYLES = {"error": "red", "warning": "yellow"}


@app.command("check")
def check_data(
    file: DataFile,
    *,
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
    as_json: AsJson = False,
) -> None:
    """Check every row of a data file and say what is wrong and what to do.

    Ends with 0 if every row can be used, 1 if some cannot, 2 if the file cannot.

    Example: tunery data check train.jsonl
    """
    from tunery.data.read import read_conversations

    columns = column_mapping(prompt_column, completion_column, system_column)
    result = read_conversations(file, format=format, columns=columns, system=system)
    if as_json:
        show_json(_document(file, result))
    else:
        _show(file, result)
    if result.left_out:
        raise typer.Exit(EXIT_BAD_ROWS)


def _document(file: Path, result: ReadResult) -> dict[str, object]:
    return {
        "file": str(file),
        "format": result.format,
        "format_reason": result.format_reason,
        "rows": result.total,
        "used": len(result.rows),
        "left_out": result.left_out,
        "findings": [asdict(finding) for finding in result.findings],
    }


def _show(file: Path, result: ReadResult) -> None:
    say(f"{file}: format {result.format} ({result.format_reason})")
    shown = result.findings[:SHOWN_FINDINGS]
    if shown:
        show_table(
            ("Line", "Severity", "Code", "What", "What to do"),
            [_cells(finding) for finding in shown],
            styles=[STYLES[finding.severity] for finding in shown],
        )
    if len(result.findings) > SHOWN_FINDINGS:
        _show_counts(result.findings)
    used, left_out = len(result.rows), result.left_out
    say(
        f"{_rows(result.total)} in the file = {_rows(used)} used + {_rows(left_out)} listed as "
        "errors",
        style="bold",
    )


def _cells(finding: Finding) -> tuple[str, ...]:
    line = str(finding.line) if finding.line else "file"
    return line, finding.severity, finding.code, finding.message, finding.hint


def _show_counts(findings: tuple[Finding, ...]) -> None:
    note(f"These are the first {SHOWN_FINDINGS} of {len(findings)} findings; `--json` lists all.")
    counts = Counter((finding.severity, finding.code) for finding in findings)
    show_table(
        ("Severity", "Code", "Findings"),
        [(severity, code, f"{number:,}") for (severity, code), number in counts.most_common()],
        styles=[STYLES[severity] for (severity, _), _ in counts.most_common()],
        title="All findings",
    )


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
