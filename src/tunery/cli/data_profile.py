"""`tunery data profile` and `tunery data rows`: what a file is made of, and what is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import (
    AsJson,
    note,
    open_console,
    printable,
    say,
    show_facts,
    show_json,
    show_table,
)
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
    from tunery.data.histogram import Histogram
    from tunery.pipelines.profile import Profile
    from tunery.pipelines.shown_row import Run, ShownRow

Model = Annotated[
    str, typer.Option("--model", "-m", help="Base model, as in a run.", show_default=False)
]

STYLES = {"trained": "green", "context": "", "left_out": "strike bright_black"}
CONTROL = "dim"
SHOWN_LABELS = 12
SHOWN_TOOLS = 12


def register(app: typer.Typer) -> None:
    """Adds the commands to a group."""
    app.command("profile")(profile_data)
    app.command("rows")(show_rows)


def profile_data(
    context: typer.Context,
    file: DataFile,
    *,
    model: Model,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="OUT", help="Write a page with charts and rows in colour."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="Look at N rows, chosen at random, instead of all."),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Rows in a step.", show_default="as `auto` chooses"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Chooses the sample, batches and rows shown.")] = 0,
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
    as_json: AsJson = False,
) -> None:
    """Say what a data file is made of, in turns, labels and the model's own tokens.

    No weight is loaded; the model is fetched first if it is not here.

    Example: tunery data profile train.jsonl --model smollm2-135m-instruct --html profile.html
    """
    # Imported here: they load transformers, which `tunery --help` must not wait for.
    from tunery.data.file import understand
    from tunery.models.open_template import open_template
    from tunery.pipelines.profile import profile_file
    from tunery.pipelines.profile_html import write_page
    from tunery.pipelines.profile_json import profile_document

    columns = column_mapping(prompt_column, completion_column, system_column)
    understood = understand(file, format=format, columns=columns, system=system)
    template, longest = open_template(open_workspace(context).fetch(model, note).folder)
    with _progress() as on_rows:
        profile = profile_file(
            understood,
            template,
            longest,
            sample=sample,
            batch_size=batch_size,
            seed=seed,
            on_rows=on_rows,
        )
    if html is not None:
        write_page(profile, template, model, html)
        note(f"Page: {html}")
    if as_json:
        show_json({"model": model, **profile_document(profile)})
    else:
        _show(profile)


def show_rows(
    context: typer.Context,
    file: DataFile,
    *,
    model: Model,
    rows: Annotated[int, typer.Option(min=1, metavar="N", help="Show the first N rows.")] = 3,
    line: Annotated[
        int | None, typer.Option(min=1, metavar="L", help="Show the row on line L alone.")
    ] = None,
    tokens: Annotated[bool, typer.Option("--tokens", help="Put a bar between tokens.")] = False,
    format: FormatOption = "auto",
    prompt_column: PromptColumn = None,
    completion_column: CompletionColumn = None,
    system_column: SystemColumn = None,
    system: SystemPrompt = None,
) -> None:
    """Show rows as the model reads them, with what is trained in green.

    Control tokens are dim, answers that weight 0 leaves out are struck through.

    Example: tunery data rows train.jsonl --model smollm2-135m-instruct --line 12
    """
    from tunery.data.file import understand
    from tunery.models.open_template import open_template
    from tunery.pipelines.shown_rows import rows_to_show

    columns = column_mapping(prompt_column, completion_column, system_column)
    understood = understand(file, format=format, columns=columns, system=system)
    template, _ = open_template(open_workspace(context).fetch(model, note).folder)
    for row in rows_to_show(understood, template, rows, line):
        _print_row(row, boundaries=tokens)
    say("green: trained; dim: control tokens; struck through: answers of weight 0", style="dim")


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """A count of rows at a terminal."""
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

    console = open_console(stderr=True)
    columns = (SpinnerColumn(), "{task.description}", MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("Rows", total=None)
        yield lambda count: bar.advance(task, count)


def _print_row(row: ShownRow, *, boundaries: bool) -> None:
    from rich.text import Text

    say(row.refused or f"{row.place}: {row.tokens:,} tokens, {row.trained:,} trained", style="bold")
    text = Text()
    for run in row.runs:
        bar = "|" if boundaries else ""
        text.append(bar.join(map(printable, run.texts)) + bar, style=_style(run))
    open_console().print(text, soft_wrap=True)


def _style(run: Run) -> str:
    return " ".join(filter(None, (STYLES[run.use], CONTROL if run.control else "")))


def _show(profile: Profile) -> None:
    from tunery.pipelines.profile_facts import facts

    say(f"{profile.file.path}: format {profile.file.format} ({profile.file.reason})")
    show_facts(facts(profile))
    _show_spread(profile)
    _show_roles(profile)
    _show_counts(profile)
    _show_estimates(profile)


def _show_spread(profile: Profile) -> None:
    tokens, rows = profile.tokens, profile.rows
    table: list[tuple[str, Histogram]] = [
        ("tokens", tokens.lengths),
        ("trained tokens", tokens.trained),
        ("other tokens", tokens.context),
        ("characters", rows.characters),
        ("turns", rows.turns),
    ]
    show_table(
        ("Of a row", "mean", "5 %", "median", "95 %", "max"),
        [
            (
                name,
                f"{values.mean:,.1f}",
                *(f"{value:,}" for value in values.quantiles([0.05, 0.5, 0.95])),
                f"{values.largest:,}",
            )
            for name, values in table
        ],
    )


def _show_roles(profile: Profile) -> None:
    show_table(
        ("Role", "turns", "trained", "rows", "characters, mean", "max"),
        [
            (
                name,
                f"{role.turns:,}",
                f"{role.trained:,}",
                f"{role.rows:,}",
                f"{role.characters.mean:,.1f}",
                f"{role.characters.largest:,}",
            )
            for name, role in profile.rows.roles.items()
        ],
    )


def _show_counts(profile: Profile) -> None:
    from tunery.pipelines.profile_json import labels

    if found := labels(profile):
        _show_most("Label", "rows", list(found.items()), SHOWN_LABELS)
    if profile.rows.called:
        _show_most("Tool", "calls", profile.rows.called.most_common(), SHOWN_TOOLS)
    codes = Counter((finding.code, finding.severity) for finding in profile.findings)
    if codes:
        show_table(
            ("Finding", "severity", "number"),
            [(code, severity, f"{count:,}") for (code, severity), count in codes.most_common()],
        )


def _show_most(name: str, unit: str, counted: list[tuple[str, int]], most: int) -> None:
    shown = [(key, f"{count:,}") for key, count in counted[:most]]
    if len(counted) > most:
        rest = sum(count for _, count in counted[most:])
        shown.append((f"and {len(counted) - most} more", f"{rest:,}"))
    show_table((name, unit), shown)


def _show_estimates(profile: Profile) -> None:
    from tunery.pipelines.profile_estimates import estimates

    found = estimates(profile)
    if not found:
        return

    def figure(value: float, is_share: bool) -> str:
        return f"{value:.2%}" if is_share else f"{value:,.1f}"

    show_table(
        ("Of all rows", "in the sample", "95 % interval", "method"),
        [
            (
                one.name,
                figure(one.value, one.is_share),
                f"{figure(one.lower, one.is_share)} to {figure(one.upper, one.is_share)}",
                one.method,
            )
            for one in found
        ],
        title=f"A sample of {profile.looked_at:,} of {profile.total:,} rows",
    )
