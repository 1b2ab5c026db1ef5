"""A profile as one page that needs nothing but itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from tunery.data.histogram import Histogram
from tunery.evaluate import wording
from tunery.models.chat_template import ChatTemplate
from tunery.pipelines.profile import Profile
from tunery.pipelines.profile_estimates import estimates
from tunery.pipelines.profile_facts import facts
from tunery.pipelines.profile_json import labels
from tunery.pipelines.shown_row import show_row

BARS = 48
SHOWN_LABELS = 100
SHOWN_TOOLS = 50

WIDTH, HEIGHT = 640.0, 150.0
"""Of a chart, in the units of its drawing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a histogram.

    Attributes:
        x: Left edge, in the units of the drawing.
        y: Top.
        width: Its width.
        height: Its height.
        title: What it stands for.
    """

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A histogram.

    Attributes:
        name: What is counted.
        bars: From the smallest value on.
        low: The smallest value.
        high: The largest.
        marks: (place, name) of a few quantiles.
        figures: The same in words.
    """

    name: str
    bars: tuple[Bar, ...]
    low: int
    high: int
    marks: tuple[tuple[float, str], ...]
    figures: str


def write_page(profile: Profile, template: ChatTemplate, model: str, out: Path) -> None:
    """Writes the page; a file that is there is replaced.

    Args:
        profile: What was measured.
        template: Renders the rows that are shown.
        model: What the user calls the model.
        out: The file; its folder is made if it is not there.
    """
    page = profile_page(profile, template, model)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Half of a surrogate pair can come out of JSON; it has no UTF-8 form and is shown as \udXXX.
    out.write_bytes(page.encode("utf-8", errors="backslashreplace"))


def profile_page(profile: Profile, template: ChatTemplate, model: str) -> str:
    """The whole page as HTML; it loads nothing and runs no script. All text is escaped."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("tunery.pipelines"), PackageLoader("tunery.evaluate")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=wording.percent)
    tokens, rows = profile.tokens, profile.rows
    found = labels(profile) or {}
    most = max(found.values(), default=0)
    codes = Counter((finding.code, finding.severity) for finding in profile.findings)
    return environment.get_template("profile.html.j2").render(
        profile=profile,
        model=model,
        facts=facts(profile),
        charts=[
            made
            for name, values in (
                ("Tokens of a row", tokens.lengths),
                ("Trained tokens of a row", tokens.trained),
                ("Characters of a row", rows.characters),
                ("Turns of a row", rows.turns),
            )
            if (made := chart(name, values))
        ],
        labels=[(label, count, count / most) for label, count in found.items()][:SHOWN_LABELS],
        more_labels=max(0, len(found) - SHOWN_LABELS),
        tools=rows.called.most_common(SHOWN_TOOLS),
        findings=codes.most_common(),
        estimates=estimates(profile),
        examples=[show_row(example, template) for example in profile.examples],
    )


def chart(name: str, values: Histogram) -> Chart | None:
    """A histogram drawn to scale; None if there is nothing to draw."""
    bins = values.bins(BARS)
    if not bins:
        return None
    step = WIDTH / len(bins)
    tallest = max(each.count for each in bins)
    low, high = bins[0].start, values.largest
    span = bins[-1].end - low + 1
    bars = tuple(
        Bar(
            x=index * step,
            y=HEIGHT * (1 - each.count / tallest),
            width=max(step - 1, 0.5),
            height=HEIGHT * each.count / tallest,
            title=f"{_values(each.start, each.end)}: {each.count:,} rows",
        )
        for index, each in enumerate(bins)
    )
    named = dict(zip(("5 %", "median", "95 %"), values.quantiles([0.05, 0.5, 0.95]), strict=True))
    figures = ", ".join(f"{key} {value:,}" for key, value in named.items())
    marks = tuple(
        (WIDTH * (value - low + 0.5) / span, f"{key}: {value:,}") for key, value in named.items()
    )
    about = f"mean {values.mean:,.1f}, {figures}, largest {values.largest:,}"
    return Chart(name, bars, low, high, marks, about)


def _values(start: int, end: int) -> str:
    return f"{start:,}" if start == end else f"{start:,} to {end:,}"
