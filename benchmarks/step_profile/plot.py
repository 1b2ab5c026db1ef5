"""The plot: one bar a step, its pieces the kinds of work."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

COLOURS = ("#1f4e79", "#2e8b77", "#d9a441", "#c0563f", "#9a9a9a")


def draw(found: dict[str, dict[str, float]], title: str, target: Path) -> None:
    """Writes a PNG.

    Args:
        found: Name of a step to its seconds by kind of work.
        title: Of the plot.
        target: The file.
    """
    figure = Figure(figsize=(9, 2.8), layout="constrained")
    axes = figure.subplots()
    names = list(found)[::-1]
    left = dict.fromkeys(names, 0.0)
    for colour, kind in zip(COLOURS, next(iter(found.values())), strict=True):
        widths = [found[name][kind] for name in names]
        axes.barh(names, widths, left=list(left.values()), color=colour, label=kind, height=0.6)
        left = {name: left[name] + found[name][kind] for name in names}
    for name in names:
        axes.text(left[name], name, f"  {left[name]:.1f} s", va="center")
    axes.set_xlim(0, 1.1 * max(left.values()))
    axes.set_xlabel("seconds")
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.25))
    figure.savefig(target, dpi=110)
