"""Our side: `tunery train` as a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.train_vs_peers.comparison import Measurement, speed
from benchmarks.train_vs_peers.process import Finished, check_success, run_measured
from benchmarks.train_vs_peers.task import Task, process_environment
from tunery.errors import RunError
from tunery.track.event_log import EventLog

RUN_NAME = "bench"
TUNERY = (sys.executable, "-m", "tunery")


def measure_ours(
    task: Task,
    home: Path,
    models: Path,
    environ: Mapping[str, str],
    tunery: Sequence[str] = TUNERY,
) -> Measurement:
    """Runs `tunery train` once.

    Args:
        task: What is trained.
        home: A folder that is not there yet, used as home folder of the run.
        models: The models folder of the user's own home folder, so that nothing is fetched again.
        environ: The environment of this process.
        tunery: How the command `tunery` is called.

    Raises:
        RunError: The process failed, or left no numbers.
    """
    home.mkdir(parents=True)
    if models.is_dir():
        (home / "models").symlink_to(models.resolve(), target_is_directory=True)
    config = home / "config.yaml"
    config.write_text(yaml.safe_dump(run_config(task), sort_keys=False), "utf-8")
    environment = process_environment(environ, task.threads) | {"TUNERY_HOME": str(home)}
    finished = run_measured([*tunery, "train", str(config)], environment)
    check_success("tunery train", finished)
    return read_run(home / "runs" / RUN_NAME, finished)


def run_config(task: Task) -> dict[str, Any]:
    """The run's YAML: the file's order, a constant rate, one checkpoint at the end, no tests."""
    return {
        "name": RUN_NAME,
        "model": task.model,
        "data": {"train": str(task.rows_file)},
        "method": {"rank": task.rank, "alpha": float(task.alpha)},
        "train": {
            "epochs": 1,
            "batch_size": task.batch,
            "learning_rate": task.learning_rate,
            "schedule": "constant",
            "warmup_ratio": 0.0,
            "batching": "in_order",
            "threads": task.threads,
        },
    }


def read_run(folder: Path, finished: Finished) -> Measurement:
    """The numbers that a run left in its folder, with those taken from outside.

    The time of training includes the checkpoint at its end, which the peer does not write.

    Raises:
        RunError: The run left no steps or no summary.
    """
    steps = EventLog(folder / "events.jsonl").read("step")
    try:
        summary = json.loads((folder / "run.json").read_text("utf-8"))
        rows = sum(step["rows"] for step in steps)
        rate, rate_after = speed(
            rows, steps[0]["rows"], summary["train_seconds"], steps[0]["seconds"]
        )
        return Measurement(
            rows=rows,
            tokens=sum(step["tokens"] for step in steps),
            rows_per_s=rate,
            rows_per_s_after_first=rate_after,
            peak_rss_mib=finished.peak_rss_mib,
            wall_s=finished.wall_s,
            loss=tuple(step["loss"] for step in steps),
            versions=summary["versions"],
        )
    except (OSError, ValueError, LookupError) as error:
        raise RunError(
            f"tunery train ended well, but {folder} lacks its numbers: {error!r}"
        ) from error
