"""The peer's side: TRL's SFTTrainer as a process of its own, in an environment of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.train_vs_trl.comparison import Measurement, speed
from benchmarks.train_vs_trl.process import Finished, check_success, run_measured
from benchmarks.train_vs_trl.task import Task, process_environment
from tunery.errors import RunError

SCRIPT = Path(__file__).with_name("peer_trl.py")


def measure_peer(task: Task, python: Path, environ: Mapping[str, str]) -> Measurement:
    """Runs the peer's script once.

    Args:
        task: What is trained.
        python: Interpreter of the peer's environment.
        environ: The environment of this process.

    Raises:
        RunError: The process failed, or printed no numbers.
    """
    command = [
        # isolated: nothing of this repository or of PYTHONPATH is on the peer's import path
        *(str(python), "-I", str(SCRIPT), str(task.rows_file)),
        *("--model", str(task.model_folder)),
        *("--batch", str(task.batch)),
        *("--learning-rate", str(task.learning_rate)),
        *("--rank", str(task.rank)),
        *("--alpha", str(task.alpha)),
        *("--threads", str(task.threads)),
    ]
    finished = run_measured(command, process_environment(environ, task.threads))
    check_success("The peer", finished)
    return read_report(finished)


def read_report(finished: Finished) -> Measurement:
    """The numbers of the script's last line, with those taken from outside.

    Raises:
        RunError: The last line is not the script's report.
    """
    try:
        report = json.loads(finished.stdout.rstrip().rpartition("\n")[2])
        rate, rate_after = speed(
            report["rows"], report["first_rows"], report["train_s"], report["first_s"]
        )
        return Measurement(
            rows=report["rows"],
            tokens=report["tokens"],
            rows_per_s=rate,
            rows_per_s_after_first=rate_after,
            peak_rss_mib=finished.peak_rss_mib,
            wall_s=finished.wall_s,
            loss=tuple(report["loss"]),
            versions=report["versions"],
        )
    except (ValueError, LookupError, TypeError) as error:
        raise RunError(f"The peer ended well, but printed no numbers: {error!r}") from error
