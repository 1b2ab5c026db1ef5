"""`tunery data generate` and `tunery data distil`: rows that a teacher writes, or has written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tunery.cli.output import AsJson, note, open_console, say, show_json, show_table
from tunery.errors import UserError

if TYPE_CHECKING:
    from tunery.data.generate.budget import Prices
    from tunery.data.generate.http_teacher import HttpTeacher
    from tunery.data.generate.result import Progress, Result
    from tunery.data.generate.run import Job
    from tunery.data.generate.tasks.task import Task

EXIT_TOO_FEW = 1

TaskName = Literal["qa", "classify", "tool-calls"]

_ENDS = {
    "dry": "request after request gave no row that could be kept",
    "max_cost": "the next request could have passed the limit of the cost",
    "max_requests": "the limit of requests is reached",
}


def generate_rows(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SOURCES",
            help="Documents and folders of them: .txt, .md, .html, .pdf.",
            show_default="seeds alone",
        ),
    ] = None,
    *,
    task: Annotated[TaskName, typer.Option(help="The kind of rows.")],
    teacher: Annotated[
        str,
        typer.Option(metavar="URL", help="OpenAI-compatible server, such as `tunery serve`."),
    ],
    teacher_model: Annotated[str, typer.Option(metavar="NAME", help="Its model.")],
    rows: Annotated[int, typer.Option(min=1, help="Rows to keep.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File for the rows.")],
    labels: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Labels of classify."),
    ] = None,
    tools: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON list of the tools of tool-calls."),
    ] = None,
    seeds: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Rows that show what is wanted.")
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rows that must not be learned, such as the test file."),
    ] = None,
    system: Annotated[
        str, typer.Option(metavar="TEXT", help="System prompt of the rows.", show_default="")
    ] = "",
    with_passage: Annotated[
        bool, typer.Option("--with-passage", help="qa: put the passage before the question.")
    ] = False,
    support: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="qa: share of an answer's words that its passage must have; 0: any."
        ),
    ] = 0.5,
    near: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Likeness from which prompts are duplicates; 0: equal ones alone."
        ),
    ] = 0.8,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of --out.")] = False,
    price_input: Annotated[
        float | None, typer.Option(min=0, help="Price of a million tokens read.")
    ] = None,
    price_output: Annotated[
        float | None, typer.Option(min=0, help="Price of a million tokens written.")
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0, help="Stop before more is spent, earlier parts of the run included."),
    ] = None,
    max_requests: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many requests, those of earlier parts included."),
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Variable of the environment with the API key."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow http to another machine.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Requests at a time.")] = 4,
    per_request: Annotated[int, typer.Option(min=1, max=50, help="Rows asked for at once.")] = 3,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")] = 2048,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, show_default="the server's")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one answer.")] = 120.0,
    seed: Annotated[int, typer.Option(help="Chooses passages and examples.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Let a teacher write rows from your documents, or from examples.

    Rows that are not taken are listed with the reason in a file beside. All answers are kept in a
    journal, so that --resume goes on after a stop of any kind. Ends with 0 if all rows are there,
    with 1 if there are fewer.

    Example: tunery data generate docs/ --task qa --teacher URL --teacher-model NAME --rows 200
    """
    from tunery.data.generate.endpoint import read_endpoint
    from tunery.data.generate.http_teacher import HttpTeacher
    from tunery.data.generate.run import Job

    endpoint = read_endpoint(
        teacher, key_variable=api_key_env, environment=os.environ, insecure=insecure
    )
    job = Job(
        task=_task(task, labels, tools, system, with_passage=with_passage, support=support),
        out=out,
        rows=rows,
        sources=sources or [],
        seeds=seeds,
        held_out=held_out,
        near=near,
        per_request=per_request,
        concurrency=concurrency,
        prices=_prices(price_input, price_output),
        max_cost=max_cost,
        max_requests=max_requests,
        seed=seed,
        resume=resume,
    )
    asked = HttpTeacher(
        endpoint,
        teacher_model,
        max_tokens=max_tokens,
        temperature=temperature,
        timeout_s=timeout,
        say=note,
    )
    result = asyncio.run(_generate(job, asked))
    _show_result(result, as_json=as_json)
    if result.ended != "rows":
        raise typer.Exit(EXIT_TOO_FEW)


def distil_logs(
    logs: Annotated[
        list[Path], typer.Argument(metavar="LOGS", help="Files of stored chat completions.")
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File for the rows.")],
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Take this model's answers.", show_default="all"),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Take completions with it.", show_default="all"),
    ] = None,
    finish_reason: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REASON",
            help="Take answers that ended so.",
            show_default="stop, tool_calls, function_call",
        ),
    ] = None,
    held_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rows that must not be learned, such as the test file."),
    ] = None,
    near: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Likeness from which prompts are duplicates; 0: equal ones alone."
        ),
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Make rows of logged chat completions: a small model learns from a large one's answers.

    A line is a stored completion with its messages, or a request and its response. What is not
    taken is listed with the reason in a file beside.

    Example: tunery data distil completions.jsonl --model gpt-5 --out train.jsonl
    """
    from tunery.data.generate.distil import FINISHED, Wanted, distil

    wanted = Wanted(
        models=model or (),
        metadata=_pairs(metadata or []),
        finish_reasons=finish_reason or FINISHED,
        held_out=held_out,
        near=near,
    )
    result = distil(logs, out, wanted)
    if as_json:
        show_json(
            {
                "out": str(result.out),
                "rejected_file": str(result.rejected_file),
                "read": result.read,
                "kept": result.kept,
                "rejected": dict(result.rejected),
            }
        )
    else:
        _show_rejected(result.rejected, result.rejected_file)
        listed = result.read - result.kept
        say(f"{result.read:,} answers read = {result.kept:,} kept + {listed:,} listed", "bold")
        say(f"Rows: {result.out}")
    if not result.kept:
        raise typer.Exit(EXIT_TOO_FEW)


async def _generate(job: Job, teacher: HttpTeacher) -> Result:
    from tunery.data.generate.run import generate

    async with teacher:
        with _Bar(job.rows) as bar:
            return await generate(job, teacher, on_progress=bar.show, say=note)


def _task(
    name: TaskName,
    labels: str | None,
    tools: Path | None,
    system: str,
    *,
    with_passage: bool,
    support: float,
) -> Task:
    from tunery.data.generate.tasks.classify import Classify
    from tunery.data.generate.tasks.question_answer import QuestionAnswer
    from tunery.data.generate.tasks.tool_calls import ToolCalls
    from tunery.data.generate.tasks.tool_file import read_tool_file

    for option, given, of in (("--labels", labels, "classify"), ("--tools", tools, "tool-calls")):
        if (given is not None) != (name == of):
            needs = "needs" if name == of else "has no use for"
            raise UserError(f"The task {name} {needs} {option}.", f"{option} belongs to {of}.")
    if labels is not None:
        names = [label.strip() for label in labels.split(",")]
        return Classify([label for label in names if label], system)
    if tools is not None:
        return ToolCalls(*read_tool_file(tools), system)
    return QuestionAnswer(system, with_passage, support)


def _prices(read: float | None, written: float | None) -> Prices | None:
    from tunery.data.generate.budget import Prices

    if read is None and written is None:
        return None
    if read is None or written is None:
        raise UserError(
            "One price was given; expected --price-input and --price-output.",
            "Give both; 0 is a price.",
        )
    return Prices(read, written)


def _pairs(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise UserError(f"--metadata {text!r:.80} has no value.", "Write it as KEY=VALUE.")
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


class _Bar:
    """A bar in a terminal; elsewhere a line now and then, so that a log stays short."""

    def __init__(self, rows: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        console = open_console(stderr=True)
        self._bar = Progress(
            TextColumn("  {task.completed}/{task.total} rows"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("rows", total=rows, note="")
        self._told = 0.0
        self._plain = not console.is_terminal

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Shows how far the run is."""
        from time import monotonic

        spent = _spent(progress)
        self._bar.update(self._task, completed=progress.kept, note=spent)
        if self._plain and monotonic() - self._told >= 10:
            self._told = monotonic()
            note(f"  {progress.kept}/{progress.wanted} rows, {spent}")


def _spent(progress: Progress) -> str:
    tokens = progress.prompt_tokens + progress.completion_tokens
    cost = "" if progress.cost is None else f", cost so far {progress.cost:.4f}"
    return f"{progress.requests} requests, {tokens:,} tokens{cost}"


def _show_result(result: Result, *, as_json: bool) -> None:
    progress = result.progress
    if as_json:
        show_json(
            {
                "out": str(result.out),
                "rejected_file": str(result.rejected),
                "ended": result.ended,
                "rows": progress.wanted,
                "asked": progress.asked,
                "kept": progress.kept,
                "rejected": dict(progress.rejected),
                "requests": progress.requests,
                "prompt_tokens": progress.prompt_tokens,
                "completion_tokens": progress.completion_tokens,
                "requests_without_usage": progress.unknown,
                "cost": progress.cost,
            }
        )
        return
    _show_rejected(progress.rejected, result.rejected)
    listed = progress.asked - progress.kept
    say(f"{progress.asked:,} rows asked = {progress.kept:,} kept + {listed:,} listed", "bold")
    say(_spent(progress))
    if progress.unknown:
        note(f"{progress.unknown} requests told no tokens and are counted as the most they can be.")
    if result.ended != "rows":
        note(
            f"{progress.kept:,} of {progress.wanted:,} rows, as {_ENDS[result.ended]}; "
            "--resume goes on."
        )
    say(f"Rows: {result.out}")


def _show_rejected(rejected: Mapping[str, int], file: Path) -> None:
    from tunery.data.generate.candidate import REASONS

    if rejected:
        order = sorted(rejected.items(), key=lambda item: (-item[1], item[0]))
        show_table(
            ("Reason", "Rows", "What it means"),
            [(reason, f"{count:,}", REASONS[reason]) for reason, count in order],
            title=f"Not taken, listed in {file}",
        )
