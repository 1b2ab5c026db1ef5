"""The measurements of all cases in one table, and as a page of the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.train_vs_peers.comparison import (
    Comparison,
    largest_difference,
    median_of,
)
from benchmarks.train_vs_peers.peers import PEERS, Peer
from benchmarks.train_vs_peers.suite import CaseResult
from benchmarks.train_vs_peers.table import ABSENT, markdown, number, times

HEADINGS = (
    *("rows", "peer", "ours, rows/s", "peer, rows/s", "speed", "wanted"),
    *("ours, peak MiB", "peer, peak MiB", "memory", "wanted", "losses differ by", "products"),
)

INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks.train_vs_peers --markdown`; `benchmarks/README.md` says how all
sides are treated alike and what each column is.
"""


def summary(measured: Sequence[CaseResult]) -> str:
    """One row a case and peer: medians, ratios, and what was to be reached."""
    rows = [
        _row(found, PEERS[name])
        for found in measured
        for name in PEERS
        if any(name in sides for sides in found.rounds.measured)
    ]
    return markdown([list(HEADINGS), *rows])


def page(measured: Sequence[CaseResult], machine: Mapping[str, Any]) -> str:
    """The page: machine, settings, table, and what failed."""
    task = measured[0].task
    settings = (
        f"{task.model}, LoRA of rank {task.rank} on all linear layers, float32, "
        f"{task.threads} threads; {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}. Each side is a whole process; medians "
        f"of {max(len(found.rounds.measured) for found in measured)}."
    )
    lines = [
        f"- {found.case.name}: {found.task.rows} rows, batch {found.task.batch}, of which TRL "
        f"computes {found.task.micro_batch} at once; rows in "
        + ("grouped order" if found.case.order == "grouped" else "the file's order")
        for found in measured
    ]
    failures = [
        f"- {found.case.name}: {side} failed: {text.splitlines()[0]}"
        for found in measured
        for side, text in found.rounds.failures.items()
    ]
    versions = [
        f"- {name}: " + ", ".join(f"{library} {number}" for library, number in used.items())
        for name, used in _versions(measured).items()
    ]
    parts = [INTRODUCTION.rstrip(), settings, summary(measured), "\n".join(lines)]
    parts += ["\n".join(failures)] if failures else []
    return "\n\n".join([*parts, "\n".join(versions)]) + "\n"


def _versions(measured: Sequence[CaseResult]) -> dict[str, Mapping[str, str]]:
    return {
        name: run.versions
        for found in measured
        for sides in found.rounds.measured
        for name, run in sides.items()
    }


def _row(found: CaseResult, peer: Peer) -> list[str]:
    beside, targets = found.rounds.beside(peer.name), found.case.targets
    wanted = targets if peer.name == "trl" else None
    shares = [run.product_share for run in beside.measured("ours")]
    share = median_of(shares)
    return [
        found.case.name,
        peer.title,
        number(beside.median("ours", "rows_per_s")),
        number(beside.median("peer", "rows_per_s")),
        times(_ratio(beside, "rows_per_s")),
        ABSENT if wanted is None else f">= {wanted.speed:.0f}x",
        number(beside.median("ours", "peak_rss_mib")),
        number(beside.median("peer", "peak_rss_mib")),
        times(_ratio(beside, "peak_rss_mib")),
        ABSENT if wanted is None else f"<= {wanted.memory:.3f}x",
        _difference(beside) if peer.same_steps else "other steps",
        ABSENT if share is None else f"{share:.0%}",
    ]


def _ratio(comparison: Comparison, figure: str) -> float | None:
    """Median of the ratios of the rounds."""
    ratios = comparison.ratios(figure)
    return median(ratios) if ratios else None


def _difference(comparison: Comparison) -> str:
    largest = largest_difference(comparison.losses())
    return ABSENT if largest is None else f"{largest:.2%}"
