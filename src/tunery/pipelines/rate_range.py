"""A learning-rate range test on the rows of a run, which it leaves untouched."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tunery.config.run import RunConfig
from tunery.errors import DataError, UserError
from tunery.models.load import set_threads
from tunery.models.sources import fetch
from tunery.pipelines.finetune import with_targets
from tunery.pipelines.locate import pin
from tunery.pipelines.opening import compare_unproven, open_base
from tunery.pipelines.prepare import prepare_data
from tunery.train.rate_range import RatePoint, RateRange, growing_rates, range_test

FEWEST_STEPS = 10


@dataclass(frozen=True, slots=True)
class RateReport:
    """What a test found, and where it is written.

    Attributes:
        found: The points and the suggestion.
        json: The same for programs.
        plot: The losses over the rates.
    """

    found: RateRange
    json: Path
    plot: Path


def run(
    config: RunConfig,
    home: Path,
    *,
    offline: bool,
    rates: tuple[float, float],
    steps: int,
    log: Callable[[str], None],
    on_point: Callable[[RatePoint], None],
) -> RateReport:
    """Tests learning rates on the training rows of a run.

    Args:
        config: The run.
        home: The home folder; results go into `lr-range/NAME` in it.
        offline: Stay off the network.
        rates: The lowest and the highest.
        steps: How many rates are tried.
        log: Told where the model comes from, and what was compared if its type has no proof.
        on_point: Told each step.

    Raises:
        TuneryError: Whatever cannot be done; see `tunery.errors`.
    """
    lowest, highest = rates
    if not 0 < lowest < highest or steps < FEWEST_STEPS:
        raise UserError(
            f"The test was to try {steps} rates from {lowest:g} to {highest:g}; expected at least "
            f"{FEWEST_STEPS}, from a rate above 0 to a higher one.",
            "Correct --from, --to or --steps.",
        )
    set_threads(config.train.threads)
    files = fetch(config.model, home, offline=offline, log=log)
    model = open_base(config, files.folder)
    section = pin(config.data, home)
    data = prepare_data(section, model.template, model.context, config.train.seed, home)
    for sentence in data.notes:
        log(sentence)
    if not data.train:
        raise DataError(
            "No training row can be trained on.",
            "`tunery data check FILE` lists what is wrong with each row.",
        )
    compared = compare_unproven(model, data.train)
    if compared is not None:
        log(compared)
    found = range_test(
        model,
        data.train,
        method=with_targets(config, model),
        settings=config.train,
        rates=growing_rates(lowest, highest, steps),
        on_point=on_point,
    )
    folder = home / "lr-range" / config.name
    folder.mkdir(parents=True, exist_ok=True)
    report = RateReport(found, folder / "range.json", folder / "loss.png")
    content = {"name": config.name, "model": config.model, **asdict(found)}
    report.json.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    plot(found, report.plot)
    return report


def plot(found: RateRange, path: Path) -> None:
    """Draws the losses over the rates, and the rate of a run as suggested, as PNG."""
    # Loading matplotlib takes long, and only the end of the test needs it.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    rates = [point.rate for point in found.points]
    losses = [point.loss for point in found.points]
    axes.plot(rates, losses, linewidth=0.8, alpha=0.5, label="loss")
    axes.plot(rates, [point.smoothed for point in found.points], linewidth=2, label="smoothed")
    if found.suggested is not None:
        rate = found.suggested * found.multiplier
        axes.axvline(rate, linestyle="--", label=f"suggested: {rate:.2g}")
    axes.set_xscale("log")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss (nats per token)")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)
