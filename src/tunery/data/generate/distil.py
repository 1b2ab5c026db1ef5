"""Distillation: a teacher's stored chat completions to rows that a smaller model learns from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tunery.data.checks.texts import prompt_of
from tunery.data.conversation import Conversation
from tunery.data.findings import Place
from tunery.data.formats.chat import read_row
from tunery.data.generate.candidate import Candidate, Problem
from tunery.data.generate.filters import open_filters
from tunery.data.generate.logs import Exchange, read_exchanges
from tunery.data.generate.row_files import (
    kept_line,
    refuse_to_overwrite,
    rejected_line,
    rejected_path,
)
from tunery.data.generate.seeds import example_of
from tunery.data.sources.opening import open_rows
from tunery.data.wording import listed, quote
from tunery.errors import DataError

FINISHED = ("stop", "tool_calls", "function_call")
"""How a whole answer ends."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which completions are taken.

    Attributes:
        models: Names of models; none takes all.
        metadata: Values that a completion's metadata must have.
        finish_reasons: How an answer may have ended. One that does not say is taken.
        held_out: File with rows that must not be learned.
        near: Jaccard index from which two prompts are nearly the same; 0 compares exactly alone,
            as prompts made by a template are nearly the same and yet ask for different answers.
    """

    models: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    finish_reasons: Sequence[str] = FINISHED
    held_out: Path | None = None
    near: float = 0.0


@dataclass(frozen=True, slots=True)
class Distilled:
    """What became of the completions.

    Attributes:
        read: Answers in the logs, and lines that could not be read; `kept` plus `rejected`.
        kept: Rows to train on.
        rejected: Those that are listed, by reason.
        out: File with the rows.
        rejected_file: File with those that were not taken.
    """

    read: int
    kept: int
    rejected: Mapping[str, int]
    out: Path
    rejected_file: Path


def distil(logs: Sequence[Path], out: Path, wanted: Wanted) -> Distilled:
    """Writes a row for each completion that is wanted, and lists each that is not.

    Args:
        logs: Files of completions, in any container that data files have.
        out: File for the rows; the others go beside it.
        wanted: Which completions are taken.

    Raises:
        NotFoundError: A log is not there.
        DataError: A log cannot be read, or nothing in the logs is taken.
        UserError: `out` is there already, or its folder is not.
    """
    rejected_file = rejected_path(out)
    refuse_to_overwrite(out, rejected_file)
    filters = open_filters(wanted.near, wanted.held_out)
    rejected: Counter[str] = Counter()
    kept = 0
    drafts = [path.with_name(f"{path.name}.draft") for path in (out, rejected_file)]
    try:
        with drafts[0].open("w") as rows, drafts[1].open("w") as others:
            for place, candidate in _candidates(logs, wanted):
                metadata = {"document": place.file, "position": f"line {place.line}"}
                metadata |= candidate.about
                problem = filters.judge(candidate, f"{place.file}, line {place.line}")
                if problem is None:
                    kept += 1
                    rows.write(kept_line(candidate, metadata))
                else:
                    rejected[problem.reason] += 1
                    others.write(rejected_line(candidate.given, problem, metadata))
        for draft, path in zip(drafts, (out, rejected_file), strict=True):
            draft.replace(path)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    read = kept + rejected.total()
    if not read:
        raise DataError(f"{listed(map(str, logs))}: no completion.", "Check the paths of the logs.")
    return Distilled(read, kept, dict(rejected), out, rejected_file)


def _candidates(logs: Sequence[Path], wanted: Wanted) -> Iterator[tuple[Place, Candidate]]:
    for path in logs:
        with open_rows(path) as opened:
            for row in opened.rows:
                if row.value is None:
                    message = row.problem.message if row.problem else "no object"
                    yield row.place, Candidate(None, problem=Problem("log.unreadable", message))
                    continue
                found = read_exchanges(row.value)
                if isinstance(found, str):
                    yield row.place, Candidate(row.value, problem=Problem("log.shape", found))
                    continue
                for exchange in found:
                    yield row.place, _candidate(exchange, row.place, wanted)


def _candidate(exchange: Exchange, place: Place, wanted: Wanted) -> Candidate:
    problem = _left_aside(exchange, wanted)
    if problem is None and exchange.refusal:
        problem = Problem("row.refusal", f"the answer refuses: {quote(exchange.refusal)}")
    record = read_row(exchange.row, place).record
    prompt = answer = same = ""
    if isinstance(record, Conversation):
        example = example_of(record)
        prompt, answer = example.prompt, example.answer
        turns = [(turn.role, turn.content) for turn in prompt_of(record)]
        same = json.dumps([turns, record.tools])
    return Candidate(exchange.row, exchange.row, prompt, answer, same, _about(exchange), problem)


def _left_aside(exchange: Exchange, wanted: Wanted) -> Problem | None:
    said = ""
    if wanted.models and exchange.model not in wanted.models:
        said = f"the model is {quote(exchange.model)}; expected {listed(wanted.models)}"
    elif exchange.finish_reason and exchange.finish_reason not in wanted.finish_reasons:
        reasons = listed(wanted.finish_reasons)
        said = f"it ended with {quote(exchange.finish_reason)}; expected {reasons}"
    else:
        for name, value in wanted.metadata.items():
            has = exchange.metadata.get(name)
            if has != value:
                shown = "not there" if has is None else quote(has)
                said = f"its metadata {quote(name)} is {shown}; expected {quote(value)}"
                break
    return Problem("log.left_aside", said) if said else None


def _about(exchange: Exchange) -> dict[str, str]:
    about = {"task": "distil", "teacher": exchange.model, "request_id": exchange.id}
    if exchange.created is not None:
        try:
            date = datetime.fromtimestamp(exchange.created, UTC)
            about["date"] = date.isoformat(timespec="seconds")
        except (ValueError, OverflowError, OSError):
            about["created"] = str(exchange.created)
    return {name: value for name, value in about.items() if value}
