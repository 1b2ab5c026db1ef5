"""The command: profiles both steps, prints a table, draws a plot."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.step_profile.plot import draw
from benchmarks.step_profile.steps import forest_step, plain_step, read_rows
from tunery.config.settings import read_settings
from tunery.errors import TuneryError
from tunery.models.load import set_threads
from tunery.models.sources import fetch
from tunery.pipelines.machine import processor
from tunery.train.device import keep_freed_memory

KINDS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::addmm_", "aten::linear", "aten::matmul"),
    "attention": ("_scaled_dot_product", "aten::bmm", "aten::baddbmm"),
    "softmax and loss": ("softmax", "nll_loss", "aten::exp", "aten::amax", "logsumexp"),
    "element-wise work and copies": ("aten::",),
}
"""What an operation counts as, by how its name begins or what is in it; the first that fits."""

REST = "Python, allocation, waiting"


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.step_profile", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="chat JSONL")
    parser.add_argument("--batch", type=int, default=8, help="rows of the step")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--plot", type=Path, default=None, help="PNG to write")
    options = parser.parse_args(arguments)
    settings = read_settings(os.environ)
    set_threads(options.threads)
    keep_freed_memory()
    try:
        files = fetch(options.model, settings.home, offline=settings.offline, log=print)
        rows = read_rows(options.data, options.batch, files.folder)
    except TuneryError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    found = {}
    for name, make in {"plain": plain_step, "prefix forest": forest_step}.items():
        step = make(files.folder, rows)
        step()  # warms up
        found[name] = seconds_by_kind(step)
        del step
    print(table(found))
    if options.plot:
        draw(found, f"One step of {options.batch} rows, {options.data.name}", options.plot)
    return 0


def seconds_by_kind(step: Callable[[], Any]) -> dict[str, float]:
    """Profiles one call; its seconds, split by kind of operation."""
    begin = time.perf_counter()
    step()
    whole = time.perf_counter() - begin  # without the profiler's own work
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        step()
    found = dict.fromkeys(KINDS, 0.0)
    for event in recorded.events():
        within = event.cpu_parent  # a batch of products is made of single ones
        kind = kind_of(within.name) if within and "bmm" in within.name else kind_of(event.name)
        if kind:
            found[kind] += event.self_cpu_time_total / 1e6
    return {**found, REST: max(0.0, whole - sum(found.values()))}


def kind_of(operation: str) -> str | None:
    """The kind of an operation; None for Python code and bookkeeping."""
    for kind, marks in KINDS.items():
        if any(operation == mark or (mark != "aten::mm" and mark in operation) for mark in marks):
            return kind
    return None


def table(found: dict[str, dict[str, float]]) -> str:
    """Seconds and shares of each kind, Markdown."""
    heads = " | ".join(f"{name}, s | share" for name in found)
    lines = [f"| where | {heads} |", "|---|" + "---|" * 2 * len(found)]
    for kind in (*KINDS, REST):
        cells = [
            f"{parts[kind]:.2f} | {parts[kind] / sum(parts.values()):.0%}"
            for parts in found.values()
        ]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    sums = [f"{sum(parts.values()):.2f} | 100%" for parts in found.values()]
    lines.append(f"| the whole step | {' | '.join(sums)} |")
    return "\n".join([*lines, "", f"{processor()}, {torch.get_num_threads()} threads"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
