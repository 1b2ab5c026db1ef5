"""An earlier run of the same name makes room for a new one, and comes back if that is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def moved_aside(
    folder: Path, what: str, log: Callable[[str], None], *, resume: bool
) -> Iterator[Callable[[], None]]:
    """Moves a folder to `.previous` beside it, until the new one has begun or failed to.

    What fails before it has begun goes to `.refused`, and what was there before is put back.

    Args:
        folder: Of the run; it need not be there.
        what: What it is, in a word.
        log: Told what is moved.
        resume: What is there is gone on with: nothing is moved.

    Yields:
        To be called when the new one has begun.
    """
    aside, older = folder.parent / ".previous" / folder.name, folder.parent / ".older" / folder.name
    moved, begun = folder.exists() and not resume, False
    if moved:
        _move(aside, older)
        _move(folder, aside)
        log(f"The earlier {what} of this name was moved to {aside}.")

    def begin() -> None:
        nonlocal begun
        begun = True
        shutil.rmtree(older, ignore_errors=True)

    try:
        yield begin
    except BaseException:
        if moved and not begun:
            refused = folder.parent / ".refused" / folder.name
            _move(folder, refused)
            _move(aside, folder)
            _move(older, aside)
            log(f"The earlier {what} is back in {folder}; what this one wrote is in {refused}.")
        raise


def _move(source: Path, target: Path) -> None:
    """Moves a folder, if it is there, in place of what is at the target."""
    if source.exists():
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(exist_ok=True)
        source.rename(target)
