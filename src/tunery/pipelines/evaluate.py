"""A tuned model against its base, on rows of the user's choice."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tunery.config.data import DataSection
from tunery.config.evaluate import EvaluateSection
from tunery.evaluate.about import About, Curves, describe_file
from tunery.evaluate.comparison import Comparison
from tunery.evaluate.report import ReportFiles, write_report
from tunery.evaluate.run import compare
from tunery.evaluate.sample import samples_from
from tunery.models.registry import find_tuned
from tunery.pipelines.listener import Listener
from tunery.pipelines.locate import locate
from tunery.pipelines.machine import describe_machine, versions
from tunery.pipelines.prepare import read_file
from tunery.serve.engine import Engine


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """What a comparison found, and where it is written."""

    comparison: Comparison
    report: ReportFiles


def run(
    engine: Engine,
    home: Path,
    name: str,
    path: Path,
    data: DataSection,
    settings: EvaluateSection,
    *,
    listener: Listener,
) -> EvaluationResult:
    """Lets a tuned model and its base answer held-out rows, and writes a report in `evaluations`.

    Args:
        engine: Answers for both.
        home: The home folder.
        name: The tuned model.
        path: File with the held-out rows, or `library:NAME`.
        data: How to read it.
        settings: How to compare.
        listener: Told what happens.

    Raises:
        NotFoundError: There is no such tuned model or file.
        DataError: The file cannot be used.
        UserError: No row can be compared on.
    """
    begin = time.perf_counter()
    find_tuned(home, name)
    base = next(model.base for model in engine.models() if model.name == name)
    file = locate(path, home)
    read = read_file(data, path, home)
    for finding in read.findings:
        if finding.severity == "error":
            listener.log(f"{finding.file}:{finding.line}: {finding.message} {finding.hint}")
    samples, unused = samples_from(read.rows, settings.limit, written=partial(engine.written, name))
    listener.stage("evaluate")
    comparison = compare(
        engine,
        base,
        name,
        samples,
        max_tokens=settings.max_tokens,
        batch_size=settings.batch_size,
        unused=unused,
        on_progress=listener.answered,
    )
    about = About(
        title=f"{name} on {path.name}",
        created=time.strftime("%Y-%m-%d %H:%M %Z"),
        model=f"{name}, tuned from {base}",
        machine=describe_machine(),
        data=(replace(describe_file("test", file.path, len(read.rows)), path=file.label),),
        versions=versions(),
        seconds={"evaluate": round(time.perf_counter() - begin, 3)},
    )
    folder = home / "evaluations" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    return EvaluationResult(comparison, write_report(comparison, Curves(), about, folder))
