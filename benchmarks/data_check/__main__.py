"""How fast is a data file checked and profiled, beside the tokenizer alone and a plain loop?

    python -m benchmarks.data_check --rows 1000000 --repeat 3

Makes a file of each kind, then runs the sides as processes of their own, one after the other,
round by round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.data_check.files import KINDS, make_file
from benchmarks.train_vs_peers.process import check_success, run_measured
from benchmarks.train_vs_peers.table import markdown
from tunery.config.settings import read_settings
from tunery.errors import TuneryError
from tunery.models.sources import fetch

DEFAULT_BYTES = 20_000_000
MOST_OVER_TOKENIZER = 1.15
LEAST_OVER_LOOP = {"gsm8k": 3.0, "banking77": 10.0}
LEAST_MB_S = {"gsm8k": 0.0, "banking77": 15.0}
LEAST_CHECK_MB_S = 60.0
MOST_MIB = 1536.0

SIDES = {
    "profile": "tunery data profile",
    "tokenizer": "encode_batch alone",
    "loop": "loop of the notebook",
    "check": "tunery data check --no-near",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one side.

    Attributes:
        wall_s: The whole process, imports included.
        work_s: What the side itself timed; the whole process where it timed nothing.
        peak_mib: Largest resident memory.
    """

    wall_s: float
    work_s: float
    peak_mib: float


def main() -> int:
    """Measures and prints; 0 if all sides ran and all targets are met, else 1."""
    options = read_options()
    settings = read_settings(os.environ)
    try:
        folder = fetch(options.model, settings.home, offline=settings.offline, log=note).folder
        results = {kind: measure(kind, options, folder) for kind in options.kind or KINDS}
    except TuneryError as error:
        note(f"{error.message} {error.hint}")
        return 1
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        print("\n\n".join(as_text(kind, result) for kind, result in results.items()))
    return 0 if all(result["met"] for result in results.values()) else 1


def measure(kind: str, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """All sides on one file, round by round."""
    path = options.files / f"{kind}-{options.rows or 'small'}.jsonl"
    rows = make_file(KINDS[kind], options.data_sets, path, rows=options.rows, size=DEFAULT_BYTES)
    python = [sys.executable, "-m"]
    tokenizer = str(folder / "tokenizer.json")
    commands = {
        "profile": [*python, "tunery", "data", "profile", str(path), "-m", str(folder), "--json"],
        "tokenizer": [*python, "benchmarks.data_check.bare", str(path), tokenizer],
        "loop": [*python, "benchmarks.data_check.notebook", str(path), tokenizer],
        "check": [*python, "tunery", "data", "check", str(path), "--json", "--no-near"],
    }
    runs: dict[str, list[Measured]] = {side: [] for side in options.side or SIDES}
    for turn in range(options.repeat):
        for side in runs:
            note(f"{kind}: {SIDES[side]} ({turn + 1} of {options.repeat})")
            runs[side].append(run(side, commands[side]))
    size_mb = path.stat().st_size / 1e6
    return summary(kind, rows, size_mb, runs)


def run(side: str, command: list[str]) -> Measured:
    """One process, measured from outside."""
    finished = run_measured(command, os.environ)
    check_success(side, finished)
    told = json.loads(finished.stdout)
    return Measured(finished.wall_s, told.get("work_s", finished.wall_s), finished.peak_rss_mib)


def summary(
    kind: str, rows: int, size_mb: float, runs: dict[str, list[Measured]]
) -> dict[str, object]:
    """Medians, and the quotients of each round with their targets."""
    sides = {
        side: {
            "wall_s": statistics.median(one.wall_s for one in each),
            "work_s": statistics.median(one.work_s for one in each),
            "mb_per_s": size_mb / statistics.median(one.wall_s for one in each),
            "peak_mib": max(one.peak_mib for one in each),
            "runs": [asdict(one) for one in each],
        }
        for side, each in runs.items()
    }
    targets: list[dict[str, object]] = []

    def target(name: str, value: float, limit: float, *, most: bool) -> None:
        met = value <= limit if most else value >= limit
        sign = "≤" if most else "≥"
        targets.append({"name": name, "value": value, "target": f"{sign} {limit:g}", "met": met})

    # Where texts repeat, the tokenizer alone has next to nothing to do.
    if kind == "gsm8k" and {"profile", "tokenizer"} <= runs.keys():
        quotients = [
            ours.wall_s / bare.work_s
            for ours, bare in zip(runs["profile"], runs["tokenizer"], strict=True)
        ]
        target(
            "profile, whole process / time in encode_batch",
            statistics.median(quotients),
            MOST_OVER_TOKENIZER,
            most=True,
        )
    if {"profile", "loop"} <= runs.keys():
        quotients = [
            loop.wall_s / ours.wall_s
            for ours, loop in zip(runs["profile"], runs["loop"], strict=True)
        ]
        target(
            "loop / profile, whole processes",
            statistics.median(quotients),
            LEAST_OVER_LOOP[kind],
            most=False,
        )
    if "profile" in runs:
        speed = size_mb / statistics.median(one.wall_s for one in runs["profile"])
        if LEAST_MB_S[kind]:
            target("profile, MB/s", speed, LEAST_MB_S[kind], most=False)
        target("profile, MiB", max(one.peak_mib for one in runs["profile"]), MOST_MIB, most=True)
    if "check" in runs:
        speed = size_mb / statistics.median(one.wall_s for one in runs["check"])
        target("check, MB/s", speed, LEAST_CHECK_MB_S, most=False)
    return {
        "rows": rows,
        "size_mb": size_mb,
        "sides": sides,
        "targets": targets,
        "met": all(each["met"] for each in targets),
    }


def as_text(kind: str, result: dict[str, object]) -> str:
    """Two tables in Markdown."""
    sides = [["", "whole process, s", "timed work, s", "MB/s", "peak MiB"]]
    for side, found in result["sides"].items():  # type: ignore[attr-defined]
        figures = (found["wall_s"], found["work_s"], found["mb_per_s"], found["peak_mib"])
        sides.append([SIDES[side], *(f"{figure:,.1f}" for figure in figures)])
    targets = [["", "measured", "target", ""]]
    for each in result["targets"]:  # type: ignore[attr-defined]
        verdict = "met" if each["met"] else "missed"
        targets.append([each["name"], f"{each['value']:,.2f}", each["target"], verdict])
    head = f"{kind}-like: {result['rows']:,} rows, {result['size_mb']:,.0f} MB"
    return "\n\n".join([head, markdown(sides), markdown(targets)])


def read_options() -> argparse.Namespace:
    """What is measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_check", description=__doc__)
    parser.add_argument("--rows", type=int, help="rows of each file; 20 MB by default")
    parser.add_argument("--repeat", type=int, default=1, help="rounds; medians are shown")
    parser.add_argument("--kind", action="append", choices=list(KINDS))
    parser.add_argument("--side", action="append", choices=list(SIDES))
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--data-sets", type=Path, default=Path("../shared/data"))
    parser.add_argument("--files", type=Path, default=Path(".bench/data_check"))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def note(text: str) -> None:
    """Tells the person what is going on."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
