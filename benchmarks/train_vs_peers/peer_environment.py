"""A peer's virtual environment: made on first use, kept while its requirements stay the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.train_vs_peers.process import last_lines
from tunery.errors import RunError

STAMP = "installed-requirements.txt"
"""Copy of the requirements, written when all of them were installed."""


def peer_python(
    folder: Path,
    requirements: Path,
    tell: Callable[[str], None],
    python: str = sys.executable,
    install: Sequence[str] = (),
) -> Path:
    """The interpreter of the peer's environment, which is made if it is not there.

    Args:
        folder: Of the environment; what is in it is replaced if its requirements are others.
        requirements: A requirements file with every version pinned.
        tell: Told when the environment is made, which takes minutes.
        python: Interpreter that makes it.
        install: Options of pip.

    Raises:
        RunError: The environment cannot be made; the message ends with the last lines of the tool
            that failed.
    """
    inside = folder / "bin" / "python"
    stamp = folder / STAMP
    wanted = requirements.read_text("utf-8")
    if inside.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return inside
    tell(f"making the peer's environment in {folder}, once; this takes some minutes")
    _run([python, "-m", "venv", "--clear", str(folder)], "venv")
    _run(
        [str(inside), "-m", "pip", "install", "--no-input", *install, "-r", str(requirements)],
        "pip",
    )
    stamp.write_text(wanted, "utf-8")
    return inside


def _run(command: Sequence[str], tool: str) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        failed, text = f"{tool} did not start", str(error)
    else:
        if done.returncode == 0:
            return
        failed, text = f"{tool} ended with exit code {done.returncode}", last_lines(done.stdout)
    raise RunError(
        f"The peer's environment cannot be made: {failed}; its last lines:\n{text}\n",
        "See whether a package index can be reached, or measure Tunery alone with --peers none.",
    )
