"""`tunery pause`: a run stops after its current step and can be resumed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from tunery.cli.home import open_workspace
from tunery.cli.output import note, say


def pause(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a run that is going on.")],
) -> None:
    """Pause a run: it writes a checkpoint after its current step and stops.

    `tunery train CONFIG --resume` goes on, to the same weights as without the pause. Ctrl-C and
    SIGTERM do the same to a training in the foreground; it ends with the exit code 75.

    Example: tunery pause support-triage
    """
    from tunery.pipelines.pause import ask_to_pause

    ask_to_pause(open_workspace(context).home, name)
    say(f"{name} pauses after its current step; `tunery train CONFIG --resume` goes on.")


@contextmanager
def pausing_on_signals(ask: Callable[[], None], is_training: Callable[[], bool]) -> Iterator[None]:
    """Makes the first Ctrl-C or SIGTERM pause a training; the second one, or any other time, stops.

    Args:
        ask: Asks the training to pause.
        is_training: Whether there is a training that can pause now.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set what a signal does
        return
    asked: list[int] = []

    def handle(number: int, _frame: object) -> None:
        if asked or not is_training():
            raise KeyboardInterrupt
        asked.append(number)
        ask()
        note("Pausing after this step, with a checkpoint. Ctrl-C once more stops at once.")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
