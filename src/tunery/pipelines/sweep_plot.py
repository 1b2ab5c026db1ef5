"""The losses of a sweep's trials as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path


def plot(trials: Sequence[tuple[int, str, float | None]], path: Path) -> None:
    """Draws the loss of each trial and the lowest so far, as PNG.

    Args:
        trials: (number, state, lowest validation loss) in order; those without a loss are left
            out, pruned ones are crosses.
        path: The file.
    """
    # Loading matplotlib takes long, and only the end of a sweep needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for state, marker in (("complete", "o"), ("pruned", "x")):
        points = [(n, loss) for n, kind, loss in trials if kind == state and loss is not None]
        if points:
            axes.scatter(*zip(*points, strict=True), marker=marker, label=state)
    done = [(n, loss) for n, kind, loss in trials if kind == "complete" and loss is not None]
    lowest = list(accumulate((loss for _, loss in done), min))
    axes.step([n for n, _ in done], lowest, where="post", label="lowest so far")
    axes.set_xlabel("trial")
    axes.set_ylabel("lowest validation loss (nats per token)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
