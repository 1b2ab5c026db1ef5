"""Runs a process to its end and measures it from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunery.errors import RunError

LAST_LINES = 15
"""Lines of a failed process that are shown: enough for the end of a traceback."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended.

    Attributes:
        exit_code: Negative if a signal ended it.
        wall_s: From its start to its end, in seconds.
        peak_rss_mib: Largest resident memory, of itself or of a child that it waited for.
        stdout: What it printed.
        stderr: What it printed as errors and progress.
    """

    exit_code: int
    wall_s: float
    peak_rss_mib: float
    stdout: str
    stderr: str


def run_measured(command: Sequence[str], environment: Mapping[str, str]) -> Finished:
    """Runs a command and measures its time and memory.

    Linux counts the peak memory of the calling process at this moment as the child's, so what
    measures must itself stay small: no deep-learning library is loaded here.

    Args:
        command: The program and its arguments.
        environment: Its environment variables, all of them.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall_s = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)  # `wait4` has reaped it
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", errors="replace"))
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, Linux KiB
    return Finished(process.returncode, wall_s, usage.ru_maxrss / unit, *texts)


def check_success(side: str, finished: Finished) -> None:
    """Refuses a process that failed.

    Raises:
        RunError: Its exit code is not 0; the message ends with its last lines.
    """
    if finished.exit_code == 0:
        return
    code = finished.exit_code
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    text = last_lines(finished.stderr) or last_lines(finished.stdout) or "(it printed nothing)"
    raise RunError(f"{side} {ended}; its last lines:\n{text}")


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """The last lines of a text that are not blank, as a terminal would show them."""
    shown = [line.rsplit("\r", 1)[-1].rstrip() for line in text.rstrip().split("\n")]
    return "\n".join([line for line in shown if line][-count:])
