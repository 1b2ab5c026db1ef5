"""The panels: time of a step above, peak memory below, one column a quantity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

LABELS = {
    "unique_tokens": "unique tokens in a step",
    "vocabulary": "words",
    "layer_weights": "weights of linear layers",
}


def draw(axes: Sequence[Mapping[str, Any]], about: str, path: Path) -> None:
    """Writes one image.

    Args:
        axes: As `__main__.measure_axes` returns them.
        about: The machine.
        path: The PNG file.
    """
    figure = Figure(figsize=(3.2 * len(axes), 5.6), layout="constrained")
    panels = figure.subplots(2, len(axes), squeeze=False)
    for column, axis in enumerate(axes):
        x = [point[axis["against"]] for point in axis["points"]]
        line, time, memory = axis["line"], panels[0][column], panels[1][column]
        time.plot(x, [point["step_s"] for point in axis["points"]], "o")
        time.plot(x, [line["slope"] * at + line["start"] for at in x], "-", linewidth=1)
        time.set_title(f"{axis['title']}\nR² = {line['r_squared']:.4f}", fontsize=9)
        memory.plot(x, [point["peak_rss_mib"] for point in axis["points"]], "o-", linewidth=1)
        memory.set_xlabel(LABELS[axis["against"]], fontsize=9)
        for panel in (time, memory):
            panel.set_ylim(bottom=0)
            panel.set_xlim(left=0)
            panel.tick_params(labelsize=8)
            panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("seconds a step")
    panels[1][0].set_ylabel("peak memory, MiB")
    figure.suptitle(about, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
