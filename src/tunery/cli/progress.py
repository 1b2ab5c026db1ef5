"""A run, as a person at a terminal sees it."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from tunery.cli.output import show_table
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.summary import summary_rows
from tunery.evaluate.wording import duration, memory
from tunery.pipelines.finetune import FinetuneResult
from tunery.pipelines.listener import Listener
from tunery.train.events import Event, Noted, Resumed, StepDone, StoppedEarly, Validated
from tunery.train.plan import TrainPlan

STAGES = {
    "model": "Fetching and loading the model",
    "data": "Reading the data",
    "train": "Training",
    "evaluate": "Comparing base and tuned model on the held-out rows",
    "report": "Writing the report",
}

HARDEST = 5
"""Rows with a high loss that are printed; run.json and the report have more."""


class RunProgress(Listener):
    """Shows the stages of a run, the plan, and a bar with loss, rows/s and time left.

    Where the output is no terminal, one line a step is printed instead of a bar.

    Args:
        console: Where to print.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self.current_stage = ""

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def log(self, message: str) -> None:
        """Prints a sentence."""
        self._console.print(f"  {escape(message)}")

    def stage(self, name: str) -> None:
        """Prints the headline of a stage."""
        self.current_stage = name
        self._console.print(f"[bold]{STAGES[name]}[/bold]")

    def event(self, event: Event) -> None:
        """Shows what training did."""
        match event:
            case TrainPlan():
                self._show_plan(event)
            case StepDone():
                rate = event.rows / event.seconds
                note = f"loss {event.loss:.4f}, {rate:.2f} rows/s"
                self._advance("steps", event.step, event.steps, note)
            case Validated():
                self.log(f"Step {event.step}: validation loss {event.loss:.4f}")
            case Resumed(step=0):
                self.log("There is no checkpoint to go on from: starting from the first step.")
            case Resumed() if event.step == event.steps:
                self.log(f"All {event.steps} steps were done before: nothing is left to train.")
            case Resumed():
                self.log(f"Resumed after step {event.step} of {event.steps}.")
            case StoppedEarly():
                self.log(
                    f"Stopped early after step {event.step} of {event.steps}: the validation loss "
                    f"has not fallen since step {event.best_step} ({event.best_loss:.4f})."
                )
            case Noted():
                self.log(event.message)

    def answered(self, model: str, done: int, total: int) -> None:
        """Shows how many rows a model has answered."""
        self._advance(model, done, total, "rows answered")

    def _advance(self, name: str, done: int, total: int, note: str) -> None:
        if not self._console.is_terminal:
            self.log(f"{name} {done}/{total}: {note}")
            return
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(escape(name), total=total, note="")
        self._bar.update(self._tasks[name], completed=done, note=note)

    def _show_plan(self, plan: TrainPlan) -> None:
        saved = 1 - plan.unique_tokens / plan.tokens
        table = Table.grid(padding=(0, 2))
        table.add_row("rows", f"{plan.rows:,}")
        table.add_row("tokens", f"{plan.tokens:,}, of which {plan.supervised_tokens:,} are trained")
        table.add_row(
            "unique tokens",
            f"{plan.unique_tokens:,} an epoch; sharing saves {saved:.0%} of the work",
        )
        table.add_row("steps", f"{plan.steps:,}")
        table.add_row("weights trained", f"{plan.trained_parameters:,}")
        table.add_row("memory, estimated", f"{plan.peak_bytes / 2**30:.1f} GiB")
        table.add_row("time, estimated", duration(plan.seconds))
        for choice in plan.choices:
            table.add_row(choice.name, f"{choice.value} [dim]({escape(choice.reason)})[/dim]")
        self._console.print(table)


def show_result(console: Console, result: FinetuneResult) -> None:
    """Prints the scores and where everything is."""
    if result.comparison is not None:
        show_scores(result.comparison)
    show_hardest(result)
    trained = result.trained
    if trained.taken_step != trained.last_step and trained.best is not None:
        console.print(
            f"The weights are those of step {trained.taken_step} of {trained.last_step}, with the "
            f"lowest validation loss ({trained.best.loss:.4f})."
        )
    console.print(
        f"Memory of training: estimated {memory(trained.plan.peak_bytes)}, measured "
        f"{memory(trained.peak_bytes)} (estimate {trained.memory_error:+.0%})."
    )
    spent = ", ".join(f"{name} {duration(seconds)}" for name, seconds in result.seconds.items())
    console.print(f"Time: {spent}. Peak memory: {result.peak_bytes / 2**30:.1f} GiB.")
    console.print(f"Tuned model: [bold]{escape(result.tuned.name)}[/bold]")
    if result.report is None:
        console.print(
            "Whether it answers better than the base was not measured: give held-out rows "
            "(data.test), or run `tunery eval` on some."
        )
    else:
        console.print(f"Report: {escape(str(result.report.html))}", soft_wrap=True)


def show_hardest(result: FinetuneResult) -> None:
    """Prints the first of the training rows whose loss stayed highest."""
    show_table(
        ("Row", "Loss", "Question", "Answer"),
        [(r.place, f"{r.loss:.2f}", r.question, r.answer) for r in result.hardest[:HARDEST]],
        title="Training rows with the highest loss in the last epoch; are their answers right?",
    )


def show_scores(comparison: Comparison) -> None:
    """Prints base against tuned model, each share with its 95 % interval."""
    show_table(
        ("Metric", "n", "Base", "Tuned", "Tuned minus base"),
        [(r.metric, r.n, r.base, r.tuned, r.difference) for r in summary_rows(comparison)],
        title="Held-out rows, shares with 95 % intervals",
    )
