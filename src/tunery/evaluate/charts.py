"""The loss curves as a piece of SVG that lives inside an HTML page."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence

from tunery.evaluate.about import Curves

MAX_POINTS = 600

# matplotlib wants colours, the page has variables that follow light and dark: each of these
# stand-ins is replaced by its variable after drawing.
INK, GRID, TRAIN, VALIDATION = "#010101", "#010102", "#010103", "#010104"
VARIABLES = {
    INK: "var(--muted)",
    GRID: "var(--line)",
    TRAIN: "var(--tuned)",
    VALIDATION: "var(--base)",
}


def loss_chart(curves: Curves) -> str:
    """Training and validation loss over the steps; empty text if there is nothing to draw.

    The two lines differ in form as well as in colour. A curve of more than 600 points is drawn
    as the means of equal runs of steps. Points that are not finite are left out.
    """
    train = thinned(_finite(curves.train_loss))
    validation = _finite(curves.validation_loss)
    if not train and not validation:
        return ""
    svg = _draw(train, validation)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    return _embed(svg, _description(curves))


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most 600 points: means of equal runs of neighbours; few points stay as they are."""
    run = math.ceil(len(points) / MAX_POINTS)
    if run <= 1:
        return list(points)
    runs = [points[start : start + run] for start in range(0, len(points), run)]
    return [(sum(x for x, _ in r) / len(r), sum(y for _, y in r) / len(r)) for r in runs]


def _draw(train: Sequence[tuple[float, float]], validation: Sequence[tuple[float, float]]) -> str:
    # Loading matplotlib takes longer than everything else in this package together.
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "tunery",
        "font.size": 11,
        "text.color": INK,
        "axes.edgecolor": GRID,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with rc_context(style):
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        if train:
            axes.plot(*zip(*train, strict=True), color=TRAIN, linewidth=1.8, label="training")
        if validation:
            axes.plot(
                *zip(*validation, strict=True),
                color=VALIDATION,
                linewidth=1.8,
                linestyle="--",
                marker="o",
                markersize=5,
                label="validation",
            )
        axes.set_xlabel("optimizer step")
        axes.set_ylabel("loss (nats per token)")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.tick_params(length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.legend(frameon=False, loc="upper right")
        drawing = io.StringIO()
        figure.savefig(
            drawing,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return drawing.getvalue()


def _embed(svg: str, description: str) -> str:
    """Keeps the drawing only: no prologue, no address of a schema, a name for screen readers."""
    svg = re.sub(r'\s+xmlns(:\w+)?="[^"]*"', "", svg[svg.index("<svg") :])
    # A style element inside the drawing would be in force for the whole page.
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    # Labels take the page's font, which also keeps a list of font files out of each label.
    svg = re.sub(r'font-family: [^;"]*;', "", svg)
    head = (
        r'<svg viewBox=\1 role="img" aria-labelledby="loss-title loss-text">'
        r'<title id="loss-title">Loss over training</title>'
        rf'<desc id="loss-text">{description}</desc>'
    )
    return re.sub(r'<svg[^>]*viewBox=("[^"]*")[^>]*>', head, svg, count=1)


def _description(curves: Curves) -> str:
    parts = [
        f"{name} loss goes from {points[0][1]:.3f} at step {points[0][0]} "
        f"to {points[-1][1]:.3f} at step {points[-1][0]}"
        for name, points in (
            ("Training", _finite(curves.train_loss)),
            ("Validation", _finite(curves.validation_loss)),
        )
        if points
    ]
    return "; ".join(parts) + "."


def _finite(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(step, loss) for step, loss in points if math.isfinite(loss)]
