"""Pausing a run from outside: by another command, a signal, or the service.

A run looks for its pause file after each step. The file lies beside the run's folder, so it can be
there before a new run has made its folder.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from tunery.errors import NotFoundError


def lock_file(home: Path, name: str) -> Path:
    """Held by the process in which the run of this name is going on."""
    return home / "runs" / f".{name}.lock"


def pause_file(home: Path, name: str) -> Path:
    """Its being there asks the run of this name to pause."""
    return home / "runs" / f".{name}.pause"


def is_going_on(home: Path, name: str) -> bool:
    """Whether a process works on the run of this name."""
    if not lock_file(home, name).exists():
        return False
    try:
        with FileLock(lock_file(home, name), timeout=0):
            return False
    except Timeout:
        return True


def ask_to_pause(home: Path, name: str) -> None:
    """Asks a run to write a checkpoint after its current step and to stop.

    Raises:
        NotFoundError: No run of this name is going on.
    """
    if not is_going_on(home, name):
        raise NotFoundError(
            f"No run called {name} is going on in {home}.",
            "Give the `name` of a run that `tunery train` is working on.",
        )
    pause_file(home, name).touch()
