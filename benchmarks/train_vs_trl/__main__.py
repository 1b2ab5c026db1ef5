"""The command: reads it, prepares the task, measures both sides, prints the result.

    $ python -m benchmarks.train_vs_trl --data train.jsonl --rows 24 --batch 8

Exit code 0 if all sides asked for were measured, 1 if one failed, 2 if the command cannot be used.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.train_vs_trl import machine
from benchmarks.train_vs_trl.comparison import Comparison, Measurement
from benchmarks.train_vs_trl.model_folder import find_model
from benchmarks.train_vs_trl.options import Options, read_options
from benchmarks.train_vs_trl.ours import measure_ours
from benchmarks.train_vs_trl.pairs import Side, run_pairs
from benchmarks.train_vs_trl.peer import measure_peer
from benchmarks.train_vs_trl.peer_environment import FOLDER, REQUIREMENTS, peer_python
from benchmarks.train_vs_trl.progress import tell
from benchmarks.train_vs_trl.rows import prepare_rows
from benchmarks.train_vs_trl.table import as_json, as_text
from benchmarks.train_vs_trl.task import Task
from tunery.config.settings import Settings, read_settings
from tunery.errors import TuneryError


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The exit code.
    """
    options = read_options(arguments)
    try:
        comparison, task = _measure(options)
    except TuneryError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(result(comparison, task, options))
    return 1 if comparison.failures else 0


def _measure(options: Options) -> tuple[Comparison, Task]:
    """Measures in a folder for this run alone, which is kept if a side failed."""
    settings = read_settings(os.environ)
    work = Path(tempfile.mkdtemp(prefix="tunery-bench-"))
    keep = False
    try:
        task = _prepare(options, work, settings)
        comparison = run_pairs(_sides(options, task, work, settings), options.repeat, tell)
        keep = bool(comparison.failures)
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)
    if keep:
        tell(f"the files of this run are kept in {work}")
    return comparison, task


def _prepare(options: Options, work: Path, settings: Settings) -> Task:
    """Writes the rows and finds the model."""
    rows_file = work / "rows.jsonl"
    rows = prepare_rows(options.data, options.rows, rows_file)
    if rows.left_out:
        tell(f"{options.data}: {rows.left_out} rows cannot be used and are passed over")
    own = Path(options.model).expanduser()
    return Task(
        # a path of the user's counts from here, not from the run's configuration
        model=str(own.resolve()) if own.exists() else options.model,
        model_folder=find_model(options.model, settings.home, offline=settings.offline),
        rows_file=rows_file,
        rows=rows.count,
        batch=options.batch,
        threads=options.threads,
    )


def _sides(options: Options, task: Task, work: Path, settings: Settings) -> dict[str, Side]:
    """One function for each side that is asked for; each run of ours gets an empty home folder."""
    homes = (work / f"home-{number}" for number in itertools.count(1))

    def ours() -> Measurement:
        return measure_ours(task, next(homes), settings.home / "models", os.environ)

    def peer() -> Measurement:
        return measure_peer(task, peer_python(FOLDER, REQUIREMENTS, tell), os.environ)

    return {name: side for name, side in (("ours", ours), ("peer", peer)) if name in options.sides}


def result(comparison: Comparison, task: Task, options: Options) -> str:
    """What is printed: the tables, or with `--json` one object."""
    about = machine.describe()
    if options.json:
        return json.dumps(as_json(comparison, _settings(task, options), about), indent=2)
    setting = (
        f"{options.data.name}: {task.rows} rows, batch {task.batch}, {task.model}, "
        f"LoRA rank {task.rank}, threads {task.threads}, {about['cpu']}, "
        f"{about['memory_gib']} GiB"
    )
    return as_text(comparison, setting)


def _settings(task: Task, options: Options) -> dict[str, Any]:
    return {
        "data": str(options.data),
        "rows": task.rows,
        "batch": task.batch,
        "epochs": 1,
        "model": task.model,
        "method": "lora",
        "rank": task.rank,
        "alpha": task.alpha,
        "learning_rate": task.learning_rate,
        "schedule": "constant",
        "threads": task.threads,
        "repeat": options.repeat,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
