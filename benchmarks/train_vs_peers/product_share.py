"""The share of our steps' time that their matrix products need alone, on this machine, now."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.train_vs_peers.comparison import Measurement
from benchmarks.train_vs_peers.process import last_lines
from benchmarks.train_vs_peers.task import Task, process_environment
from tunery.errors import RunError
from tunery.track.event_log import EventLog


def micro_batches(
    plan: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]
) -> tuple[list[tuple[int, int]], float]:
    """Micro-batches of all steps but the first, and the seconds of these steps.

    A step of U unique tokens under a budget of B is taken as ceil(U / B) equal micro-batches; its
    trained tokens are those of a mean row, times its rows.

    Args:
        plan: The run's plan event.
        steps: Its step events.

    Returns:
        Unique and trained tokens of each micro-batch, and the seconds.

    Raises:
        RunError: There was one step alone.
    """
    timed = steps[1:]
    if not timed:
        raise RunError("One step was made, expected at least two.", "Raise --rows.")
    found = []
    for step in timed:
        parts = math.ceil(step["unique_tokens"] / plan["budget"])
        targets = step["rows"] * plan["supervised_tokens"] / plan["rows"]
        sizes = (math.ceil(step["unique_tokens"] / parts), math.ceil(targets / parts))
        found += [sizes] * parts
    return found, sum(step["seconds"] for step in timed)


def with_product_share(
    measurement: Measurement, folder: Path, task: Task, environ: Mapping[str, str]
) -> Measurement:
    """Adds the share and the rate of the products to the measurement of a run.

    Args:
        measurement: Of our side, just made.
        folder: Of the run.
        task: What was trained.
        environ: The environment of this process.

    Raises:
        RunError: The run left no events, or the products cannot be timed.
    """
    log = EventLog(folder / "events.jsonl")
    try:
        batches, step_s = micro_batches(log.read("plan")[-1], log.read("step"))
    except LookupError as error:
        raise RunError(f"{folder} lacks the sizes of its steps: {error!r}") from error
    command = [sys.executable, "-m", "benchmarks.train_vs_peers.products"]
    command += ["--model", str(task.model_folder), "--threads", str(task.threads)]
    done = subprocess.run(
        command,
        input=json.dumps(batches),
        env=process_environment(environ, task.threads),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise RunError(f"The products cannot be timed:\n{last_lines(done.stderr)}")
    timed = json.loads(done.stdout)
    return replace(
        measurement,
        product_share=timed["seconds"] / step_s,
        product_gflops=timed["operations"] / timed["seconds"] / 1e9,
    )
