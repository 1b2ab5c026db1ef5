"""A peer's side: its script as a process of its own, in an environment of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.train_vs_peers.comparison import Measurement, speed
from benchmarks.train_vs_peers.peers import Peer
from benchmarks.train_vs_peers.process import Finished, check_success, run_measured
from benchmarks.train_vs_peers.task import Task, process_environment
from tunery.errors import RunError


def measure_peer(peer: Peer, task: Task, python: Path, environ: Mapping[str, str]) -> Measurement:
    """Runs a peer's script once.

    Args:
        peer: Which one.
        task: What is trained.
        python: Interpreter of the peer's environment.
        environ: The environment of this process.

    Raises:
        RunError: The process failed, or printed no numbers.
    """
    command = [
        # isolated: nothing of this repository or of PYTHONPATH is on the peer's import path
        *(str(python), "-I", str(peer.script), str(task.rows_file)),
        *("--model", str(task.model_folder)),
        *("--batch", str(task.batch)),
        *("--learning-rate", str(task.learning_rate)),
        *("--rank", str(task.rank)),
        *("--alpha", str(task.alpha)),
        *("--threads", str(task.threads)),
        *peer.arguments(task),
    ]
    finished = run_measured(command, process_environment(environ, task.threads))
    check_success(peer.title, finished)
    return read_report(peer.title, finished)


def read_report(title: str, finished: Finished) -> Measurement:
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
        raise RunError(f"{title} ended well, but printed no numbers: {error!r}") from error
