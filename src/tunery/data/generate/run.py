"""The story of `tunery data generate`: documents and examples in, rows and their reasons out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tunery.data.generate.asks import Ask, Order
from tunery.data.generate.budget import Budget, Prices
from tunery.data.generate.documents import Documents, read_documents
from tunery.data.generate.filters import open_filters
from tunery.data.generate.harvest import Harvest
from tunery.data.generate.ledger import Answered, Ledger, Sent
from tunery.data.generate.reply import most
from tunery.data.generate.result import Ended, Progress, Result
from tunery.data.generate.row_files import RowFiles, refuse_to_overwrite
from tunery.data.generate.seeds import Example, read_examples
from tunery.data.generate.tasks.task import Task
from tunery.data.generate.teacher import Answer, Teacher
from tunery.errors import RunError, UserError

DRY_REQUESTS = 20
"""Requests in a row of which no row was kept: the teacher, or the matter, gives no more."""

FAILED_REQUESTS = 3
"""Requests in a row that got no answer after all tries: the server is down."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be made.

    Attributes:
        task: The kind of rows.
        out: File for the rows.
        rows: Rows to keep.
        sources: Documents and folders of them; none to write from seeds alone.
        seeds: File with example rows.
        held_out: File with rows that must not be learned.
        near: Jaccard index from which two prompts are nearly the same; 0 compares exactly alone.
        per_request: Rows that one request asks for.
        concurrency: Requests under way at the same time.
        prices: What the teacher's tokens cost.
        max_cost: Most money to spend.
        max_requests: Most requests to send.
        seed: Chooses the order of passages, and the examples shown.
        resume: Go on with the run that `out` was begun by.
    """

    task: Task
    out: Path
    rows: int
    sources: Sequence[Path] = ()
    seeds: Path | None = None
    held_out: Path | None = None
    near: float = 0.8
    per_request: int = 3
    concurrency: int = 4
    prices: Prices | None = None
    max_cost: float | None = None
    max_requests: int | None = None
    seed: int = 0
    resume: bool = False


def journal_path(out: Path) -> Path:
    """Where the ledger of a run is, beside its rows."""
    return out.with_name(f"{out.name}.journal")


async def generate(
    job: Job,
    teacher: Teacher,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Result:
    """Asks the teacher until the rows are there, or a limit is reached, or nothing more comes.

    Args:
        job: What is to be made.
        teacher: Who is asked.
        on_progress: Told after every answer.
        say: Told what a person should know: documents left aside, requests lost.

    Raises:
        UserError: The job cannot be done as given; or the teacher refuses every request.
        RunError: The teacher cannot be reached.
    """
    budget = Budget(job.prices, job.max_cost, job.max_requests)
    documents, examples = _material(job, say)
    order = Order(documents.passages, job.task.targets, examples, job.seed)
    filters = open_filters(job.near, job.held_out, examples)
    harvest = Harvest(job.task, filters, teacher.model, job.rows)
    ledger, files = Ledger(journal_path(job.out)), RowFiles(job.out)
    if not (job.resume and ledger.path.exists()):
        refuse_to_overwrite(ledger.path, job.out, files.rejected)
    with ledger.hold():
        past = ledger.open(_about(job, teacher, documents, examples))
        run = _Run(job, teacher, order, harvest, budget, ledger, files, on_progress)
        lost = run.replay(past)
        if lost:
            say(
                f"{lost} requests had been sent whose answers were not seen; they are asked again, "
                "and counted in the cost as the most they can have taken."
            )
        ended = await run.ask_on()
    return Result(run.progress(), ended, files.out, files.rejected)


class _Run:
    """The requests of a run: those of the past, those under way, those to come."""

    def __init__(
        self,
        job: Job,
        teacher: Teacher,
        order: Order,
        harvest: Harvest,
        budget: Budget,
        ledger: Ledger,
        files: RowFiles,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._job = job
        self._teacher = teacher
        self._order = order
        self._harvest = harvest
        self._budget = budget
        self._ledger = ledger
        self._files = files
        self._on_progress = on_progress
        self._under_way: dict[asyncio.Task[Answer], Ask] = {}
        self._again: list[int] = []
        self._next = 0
        self._dry = 0
        self._failed = 0

    def replay(self, past: Sequence[Sent | Answered]) -> int:
        """Makes the rows of earlier answers anew; returns how many requests were lost."""
        answered: dict[int, Answered] = {}
        for event in past:
            if isinstance(event, Sent):
                self._budget.send(event.ordinal, event.most)
            else:
                self._budget.settle(event.ordinal, event.answer.usage)
                answered.pop(event.ordinal, None)
                answered[event.ordinal] = event
            self._next = max(self._next, event.ordinal + 1)
        lost = self._budget.give_up()
        lines = [
            self._harvest.take(one, self._order.ask(one.ordinal, one.count))
            for one in answered.values()
            if not _is_failed(one.answer)
        ]
        done = {number for number, one in answered.items() if not _is_failed(one.answer)}
        self._again = [number for number in range(self._next) if number not in done][::-1]
        self._files.begin(
            (line for kept, _ in lines for line in kept),
            (line for _, rejected in lines for line in rejected),
        )
        return lost

    async def ask_on(self) -> Ended:
        """Asks until the run ends; returns why it did."""
        try:
            while True:
                ended = self._fill()
                if not self._under_way:
                    return ended
                done, _ = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
                # Answers are noted before an error ends the run: they were paid for.
                for task in sorted(done, key=lambda task: task.exception() is not None):
                    self._settle(self._under_way.pop(task), task.result())
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    def progress(self) -> Progress:
        """The counts so far."""
        harvest, budget = self._harvest, self._budget
        return Progress(
            wanted=self._job.rows,
            asked=harvest.asked,
            kept=harvest.kept,
            rejected=dict(harvest.rejected),
            requests=budget.requests,
            prompt_tokens=budget.prompt_tokens,
            completion_tokens=budget.completion_tokens,
            cost=budget.cost,
            unknown=budget.unknown,
        )

    def _fill(self) -> Ended:
        """Sends requests while there is room; returns why no further one will be sent."""
        while len(self._under_way) < self._job.concurrency:
            expected = sum(ask.count for ask in self._under_way.values())
            missing = self._job.rows - self._harvest.kept - expected
            if self._harvest.kept >= self._job.rows:
                return "rows"
            if self._dry >= DRY_REQUESTS:
                return "dry"
            if missing <= 0:
                return ""
            ordinal = self._again[-1] if self._again else self._next
            plain = self._order.ask(ordinal, min(self._job.per_request, missing))
            ask = replace(plain, avoid=tuple(self._harvest.avoid(plain)))
            messages = self._job.task.messages(ask)
            limit = most(messages, self._teacher.max_tokens)
            if stop := self._budget.stops(limit):
                return "max_cost" if stop == "max_cost" else "max_requests"
            if self._again:
                self._again.pop()
            else:
                self._next += 1
            self._ledger.sent(Sent(ordinal, limit))
            self._budget.send(ordinal, limit)
            answer = self._teacher.ask(messages, self._job.task.schema(ask))
            self._under_way[asyncio.ensure_future(answer)] = ask
        return ""

    def _settle(self, ask: Ask, answer: Answer) -> None:
        date = datetime.now(UTC).isoformat(timespec="seconds")
        answered = Answered(ask.ordinal, ask.count, date, answer)
        self._ledger.answered(answered)
        self._budget.settle(ask.ordinal, answer.usage)
        before = self._harvest.kept
        self._files.add(*self._harvest.take(answered, ask))
        self._dry = 0 if self._harvest.kept > before else self._dry + 1
        self._on_progress(self.progress())
        self._failed = self._failed + 1 if _is_failed(answer) else 0
        if self._failed >= FAILED_REQUESTS and answer.problem is not None:
            raise RunError(
                f"{self._failed} requests in a row got no answer from the teacher: "
                f"{answer.problem.message}.",
                "See that its server runs; then go on with --resume.",
            )


def _is_failed(answer: Answer) -> bool:
    """Whether nothing was answered, so that the same may be asked again in a later run."""
    return answer.problem is not None and answer.problem.reason == "teacher.failed"


def _material(job: Job, say: Callable[[str], None]) -> tuple[Documents, tuple[Example, ...]]:
    documents = read_documents(job.sources)
    for skipped in documents.skipped:
        say(f"{skipped.path} is left aside: {skipped.reason}")
    examples = read_examples(job.seeds) if job.seeds else ()
    if not documents.passages and not examples:
        raise UserError(
            "There is nothing to write from; expected documents, or examples.",
            "Name files or folders, or a file of example rows with --seeds.",
        )
    return documents, examples


def _about(
    job: Job, teacher: Teacher, documents: Documents, examples: Sequence[Example]
) -> dict[str, object]:
    return {
        **job.task.about(),
        "teacher": teacher.model,
        "seed": job.seed,
        "passages": _digest([passage.digest for passage in documents.passages]),
        "examples": _digest([text for one in examples for text in (one.prompt, one.answer)]),
    }


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        digest.update(hashlib.blake2b(text.encode("utf-8", "replace")).digest())
    return digest.hexdigest()
