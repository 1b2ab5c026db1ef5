"""Shows a comparison: as tables for a person, as one object for a program."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.train_vs_peers.comparison import (
    FIGURES,
    Comparison,
    StepLoss,
    largest_difference,
)

ABSENT = "-"


def as_text(comparison: Comparison, setting: str, *, losses: bool = True) -> str:
    """The tables, in Markdown.

    Args:
        comparison: What was measured.
        setting: One line on what was trained and where.
        losses: Whether the steps of both hold the same rows, so that losses are laid side by side.
    """
    parts = [setting]
    if any(comparison.measured(side) for side in ("ours", "peer")):
        parts.append(_figures(comparison))
    if losses and parts[1:]:
        parts.append(_losses(comparison.losses()))
    if losses:
        parts += comparison.notes()
    parts += [f"{side} failed: {text}" for side, text in comparison.failures.items()]
    return "\n\n".join(parts)


def _figures(comparison: Comparison) -> str:
    pairs = len(comparison.pairs)
    title = "" if pairs == 1 else f" (median of {pairs})"
    rows = [["", f"ours{title}", f"peer{title}", "ours / peer", "each pair"]]
    for figure, name in FIGURES.items():
        ratios = comparison.ratios(figure)
        rows.append(
            [
                name,
                number(comparison.median("ours", figure)),
                number(comparison.median("peer", figure)),
                times(statistics.median(ratios) if ratios else None),
                ", ".join(times(ratio) for ratio in ratios) or ABSENT,
            ]
        )
    return markdown(rows if pairs > 1 else [row[:-1] for row in rows])


def _losses(losses: Sequence[StepLoss]) -> str:
    rows = [["step", "ours: loss", "peer: loss", "difference"]]
    for loss in losses:
        difference = loss.relative_difference
        shown = ABSENT if difference is None else f"{difference:+.2%}"
        rows.append([str(loss.step), _loss(loss.ours), _loss(loss.peer), shown])
    largest = largest_difference(losses)
    rows.append(["largest", "", "", ABSENT if largest is None else f"{largest:.2%}"])
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table with its headings first; the first column to the left, the others to the right."""
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    aligned = [
        [cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(pairs)]
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    rule = ["-" * (width - 1) + ":" if at else "-" * width for at, width in enumerate(widths)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (aligned[0], rule, *aligned[1:]))


def number(value: float | None) -> str:
    """Three significant digits; large numbers in full."""
    if value is None:
        return ABSENT
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def times(ratio: float | None) -> str:
    """A ratio, such as 10.2x."""
    return ABSENT if ratio is None else f"{number(ratio)}x"


def _loss(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.5f}"


def as_json(
    comparison: Comparison, settings: Mapping[str, Any], machine: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything in one object of JSON values; an absent number is null.

    Args:
        comparison: What was measured.
        settings: What was trained; JSON values.
        machine: What it was measured on; JSON values.
    """
    losses = comparison.losses()
    sides = {
        side: {
            "median": {figure: comparison.median(side, figure) for figure in FIGURES},
            "runs": [asdict(run) for run in comparison.measured(side)],
            "failure": comparison.failures.get(side),
        }
        for side in ("ours", "peer")
    }
    ratios = {figure: comparison.ratios(figure) for figure in FIGURES}
    return {
        "benchmark": "train_vs_peers",
        "machine": dict(machine),
        "settings": dict(settings),
        **sides,
        "ratio": {
            figure: {"median": statistics.median(each) if each else None, "pairs": each}
            for figure, each in ratios.items()
        },
        "loss": {
            "steps": [
                {**asdict(loss), "relative_difference": loss.relative_difference} for loss in losses
            ],
            "largest_relative_difference": largest_difference(losses),
        },
        "notes": comparison.notes(),
    }
