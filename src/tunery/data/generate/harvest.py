"""Answers to rows: what is kept, what is listed with its reason, and how many of each."""

from __future__ import annotations

from collections import Counter, defaultdict

from tunery.data.generate.asks import Ask
from tunery.data.generate.candidate import Candidate, Problem
from tunery.data.generate.filters import Filters
from tunery.data.generate.ledger import Answered
from tunery.data.generate.row_files import kept_line, rejected_line
from tunery.data.generate.tasks.task import Task, candidates

AVOIDED = 20
"""Questions that a request is told not to ask again; more would cost more than repeats do."""


class Harvest:
    """Takes answers in the order they came; the same answers always give the same rows.

    Args:
        task: Judges the rows by its rules.
        filters: Judge them by what was kept before.
        model: The teacher's name.
        wanted: Rows to keep.
    """

    def __init__(self, task: Task, filters: Filters, model: str, wanted: int) -> None:
        self._task = task
        self._filters = filters
        self._model = model
        self._wanted = wanted
        self._prompts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self.kept = 0
        self.asked = 0
        self.rejected: Counter[str] = Counter()

    def take(self, answered: Answered, ask: Ask) -> tuple[list[str], list[str]]:
        """Judges an answer.

        Args:
            answered: The answer.
            ask: What was asked.

        Returns:
            Lines of the file to train on, and of the file of rejected rows.
        """
        answer = answered.answer
        if answer.problem is not None:
            found = [Candidate(answer.text or None, problem=answer.problem)] * ask.count
        else:
            found = candidates(answer.value, ask, self._task.candidate)
        kept: list[str] = []
        rejected: list[str] = []
        for candidate in found:
            self.asked += 1
            metadata = {**self._origin(answered, ask), **candidate.about}
            problem = self._judge(candidate)
            if problem is not None:
                self.rejected[problem.reason] += 1
                rejected.append(rejected_line(candidate.given, problem, metadata))
                continue
            self.kept += 1
            self._prompts[_group(ask)].append(candidate.prompt)
            kept.append(kept_line(candidate, metadata))
        return kept, rejected

    def avoid(self, ask: Ask) -> list[str]:
        """The newest questions that were kept of the same passage and target."""
        return self._prompts[_group(ask)][-AVOIDED:]

    def _judge(self, candidate: Candidate) -> Problem | None:
        if self.kept >= self._wanted and candidate.problem is None:
            return Problem("row.surplus", f"all {self._wanted} rows were kept before")
        return self._filters.judge(candidate, f"kept row {self.kept + 1}")

    def _origin(self, answered: Answered, ask: Ask) -> dict[str, str]:
        """Where a row is from. All values are texts, as OpenAI's metadata has it."""
        origin = {"task": self._task.name, "teacher": self._model, "date": answered.date}
        if ask.passage is not None:
            origin |= {"document": ask.passage.document, "position": ask.passage.position}
            origin["passage_digest"] = f"blake2b:{ask.passage.digest}"
        if ask.examples:
            origin["seeds"] = ", ".join(example.place for example in ask.examples)
        origin |= {"ask": str(ask.ordinal), "request_id": answered.answer.request_id}
        return {name: value for name, value in origin.items() if value}


def _group(ask: Ask) -> tuple[str, str]:
    return (ask.passage.digest if ask.passage else "", ask.target)
