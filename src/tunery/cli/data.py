"""`tunery data`: what a data file holds and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tunery.cli import data_library, data_profile, data_shape
from tunery.cli.cost import cost_of_data
from tunery.cli.data_convert import convert_data
from tunery.cli.generate import distil_logs, generate_rows
from tunery.cli.home import open_workspace
from tunery.cli.output import AsJson, note, open_console, say, show_json, show_table
from tunery.cli.reading import (
    CompletionColumn,
    DataLocation,
    FormatOption,
    PromptColumn,
    SystemColumn,
    SystemPrompt,
    column_mapping,
)
from tunery.errors import DataError

if TYPE_CHECKING:
    from tunery.data.check import Checked
    from tunery.data.file import DataFile
    from tunery.data.findings import Finding

app = typer.Typer(no_args_is_help=True, help="Look at data files before training on them.")
app.command("cost")(cost_of_data)
app.command("convert")(convert_data)

data_library.register(app)
data_profile.register(app)
data_shape.register(app)
app.command("generate")(generate_rows)
app.command("distil")(distil_logs)

SHOWN_FINDINGS = 50
EXIT_ERRORS = 2

STYLES = {"error": "red", "warning": "yellow"}


@app.command("check")
def check_data(
    context: typer.Context,
    file: DataLocation,
    *,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", help="Base model, as in a run: counts tokens, and what does not fit."
        ),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Rows that are to tell how well; told are those that FILE shares with training. "
            "May be repeated.",
        ),
    ] = None,
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
    sample: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Check N rows, chosen at random, instead of all."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Chooses the sample.")] = 0,
    near: Annotated[
        bool, typer.Option(help="Look for rows that are nearly the same as an earlier one.")
    ] = True,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help="Write a copy in which is repaired what is safe to."),
    ] = None,
    redact: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT",
            help="Write a copy in OpenAI's format with secrets and personal data masked.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Replace OUT if it is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check every row of a data file and say what is wrong and what to do.

    Ends with 0 if the file can be trained on, warnings included, and with 2 if a row or the file
    has an error.

    Example: tunery data check train.jsonl
    """
    from tunery.data.check import check_file
    from tunery.data.file import understand
    from tunery.data.leaks import compare_files
    from tunery.data.sources.location import shown

    columns = column_mapping(prompt_column, completion_column, system_column)
    name = shown(file)
    try:
        read = partial(understand, format=format, columns=columns, system=system)
        understood = read(file)
        if model is None:
            with _progress(file) as on_bytes:
                checked = check_file(
                    understood, near=near, sample=sample, seed=seed, on_bytes=on_bytes
                )
        else:
            checked = _with_tokens(context, understood, model, near=near, sample=sample, seed=seed)
        leaks = compare_files(understood, [read(other) for other in held_out or ()], near=near)
        checked = replace(checked, findings=(*checked.findings, *leaks))
    except DataError as error:
        if not as_json:
            raise
        show_json(_unusable(name, error))
        raise typer.Exit(EXIT_ERRORS) from None
    if as_json:
        show_json(_document(name, checked))
    else:
        _show(name, checked)
    if fix is not None:
        _fix(checked, fix, force=force)
    if redact is not None:
        _redact(checked, redact, force=force)
    if checked.verdict == "errors":
        raise typer.Exit(EXIT_ERRORS)


def _with_tokens(
    context: typer.Context,
    file: DataFile,
    model: str,
    *,
    near: bool,
    sample: int | None,
    seed: int,
) -> Checked:
    """The file as the model's tokenizer and context see it as well."""
    from tunery.data.check import Checked
    from tunery.models.open_template import open_template
    from tunery.pipelines.profile import profile_file

    template, longest = open_template(open_workspace(context).fetch(model, note).folder)
    found = profile_file(file, template, longest, near=near, sample=sample, seed=seed)
    findings = tuple(finding for finding in found.findings if finding.code != "row.long")
    return Checked(file, found.total, found.looked_at, found.used, findings)


def _fix(checked: Checked, out: Path, *, force: bool) -> None:
    from tunery.data.mend import mend

    mended = mend(checked.file, checked.findings, out, force=force)
    for what, times in mended.done:
        note(f"{what} ({_rows(times)})")
    note(
        f"{out}: {_rows(mended.written)} of {mended.rows:,}, {mended.repaired:,} repaired; "
        f"{mended.faulty:,} still have an error and stand there as they were."
    )


def _redact(checked: Checked, out: Path, *, force: bool) -> None:
    from tunery.data.checks.redact import redact
    from tunery.data.convert.run import convert
    from tunery.data.records import Record

    masked: Counter[str] = Counter()

    def change(record: Record) -> Record:
        changed, what = redact(record)
        masked.update(dict.fromkeys(what, 1))
        return changed

    target: Literal["openai", "trl"] = "trl" if checked.file.format in ("kto", "text") else "openai"
    written = convert(checked.file, out, target, force=force, change=change)
    for what, times in masked.most_common():
        note(f"{what} ({_rows(times)})")
    note(
        f"{out}: {_rows(written.written)} of {written.total:,}; {written.listed:,} could not be "
        "read or written and are not in it."
    )


@contextmanager
def _progress(file: str) -> Iterator[Callable[[int], None]]:
    """A bar at a terminal, for a file that takes more than a moment."""
    from rich.progress import Progress

    path = Path(file)
    size = path.stat().st_size if path.is_file() else None
    console = open_console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Checking", total=size)
        yield lambda count: bar.advance(task, count)


def _document(file: str, checked: Checked) -> dict[str, object]:
    return {
        "file": file,
        "verdict": checked.verdict,
        "format": checked.file.format,
        "format_reason": checked.file.reason,
        "rows": checked.total,
        "looked_at": checked.looked_at,
        "used": checked.used,
        "left_out": checked.looked_at - checked.used,
        "findings": [_finding(finding) for finding in checked.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "file": finding.file,
        "line": finding.line,
        "message": finding.message,
        "fix": finding.hint,
    }


def _unusable(file: str, error: DataError) -> dict[str, object]:
    """A file that cannot be used as a whole, in the form of one that can."""
    from tunery.data.findings import Place

    finding = Place(file, 0).found("file.unusable", error.message, error.hint)
    return {
        "file": file,
        "verdict": "errors",
        "format": None,
        "format_reason": "",
        "rows": 0,
        "looked_at": 0,
        "used": 0,
        "left_out": 0,
        "findings": [_finding(finding)],
    }


def _show(file: str, checked: Checked) -> None:
    say(f"{file}: format {checked.file.format} ({checked.file.reason})")
    shown = checked.findings[:SHOWN_FINDINGS]
    if shown:
        show_table(
            ("Line", "Severity", "Code", "What", "What to do"),
            [_cells(finding, file) for finding in shown],
            styles=[STYLES[finding.severity] for finding in shown],
        )
    if len(checked.findings) > SHOWN_FINDINGS:
        _show_counts(checked.findings)
    used, left_out = checked.used, checked.looked_at - checked.used
    if checked.looked_at < checked.total:
        say(_sampled(checked))
    say(
        f"{_rows(checked.looked_at)} in the {_whole(checked)} = {_rows(used)} used + "
        f"{_rows(left_out)} listed as errors",
        style="bold",
    )


def _whole(checked: Checked) -> str:
    return "sample" if checked.looked_at < checked.total else "file"


def _sampled(checked: Checked) -> str:
    """What a sample tells of the whole file."""
    from tunery.evaluate.statistics.wilson import wilson_share

    errors = wilson_share(checked.looked_at - checked.used, checked.looked_at).interval
    return (
        f"A sample of {checked.looked_at:,} of {checked.total:,} rows: between {errors.lower:.2%} "
        f"and {errors.upper:.2%} of all rows have errors (95 % interval, Wilson). "
        "Duplicates and the like were looked for in the sample alone."
    )


def _cells(finding: Finding, file: str) -> tuple[str, ...]:
    line = str(finding.line) if finding.line else "file"
    if finding.file != file:
        line = f"{finding.file}:{line}"
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
