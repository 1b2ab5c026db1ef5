"""The command: measures point after point, fits lines, prints table and verdict, draws the plot.

    $ python -m benchmarks.scaling --results .bench/scaling.json --image docs/images/scaling.png

Points that the results file has for the same code and machine are not measured again. Exit code 0
if every point was measured, whatever the verdict; 1 if one failed, 2 if the command cannot be used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.scaling.line import fit
from benchmarks.scaling.plot import draw
from benchmarks.scaling.points import Axis, Point, as_options, axes
from benchmarks.scaling.verdict import judge, sentence
from benchmarks.train_vs_peers import machine
from benchmarks.train_vs_peers.cases import REPOSITORY
from benchmarks.train_vs_peers.options import usable_cores
from benchmarks.train_vs_peers.process import check_success, run_measured
from benchmarks.train_vs_peers.progress import tell
from benchmarks.train_vs_peers.results import code_hash
from benchmarks.train_vs_peers.table import markdown, number
from benchmarks.train_vs_peers.task import process_environment
from tunery.errors import RunError

NAMES = tuple(axis.name for axis in axes())


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", allow_abbrev=False)
    add = parser.add_argument
    add("--axis", action="append", choices=NAMES, help="measure this quantity alone (all)")
    add("--threads", type=int, default=usable_cores(), help="CPU threads (all cores)")
    add("--results", type=Path, metavar="FILE", help="keep measurements as JSON, go on from them")
    add("--image", type=Path, metavar="FILE", help="draw the plot as PNG")
    given = parser.parse_args(arguments)
    if given.threads < 1:
        parser.error(f"--threads {given.threads} given, expected at least 1")
    kept = Kept(given.results, given.threads)
    try:
        wanted = [axis for axis in axes() if axis.name in (given.axis or NAMES)]
        measured = measure_axes(wanted, kept)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    about = machine.describe()
    line = f"{about['cpu']}, {given.threads} threads, {about['memory_gib']} GiB"
    kept.finish(measured, about)
    print(f"{line}\n\n{table(measured)}\n")
    for axis in measured:
        print(f"- {sentence(axis)}")
    if given.image is not None:
        draw(measured, line, given.image)
    return 0


class Kept:
    """Measured points, in a file if one is given.

    Args:
        path: JSON; None keeps nothing.
        threads: CPU threads of each point.
    """

    def __init__(self, path: Path | None, threads: int) -> None:
        self.path = path
        self.threads = threads
        code = [*(REPOSITORY / "src").rglob("*.py"), Path(__file__).with_name("point.py")]
        self.setting = {"code": code_hash(code), "threads": threads, **machine.describe()}
        self.points: dict[str, dict[str, Any]] = {}
        if path is not None and path.is_file():
            try:
                found = json.loads(path.read_text("utf-8"))
                if found["setting"] == self.setting:
                    self.points = dict(found["points"])
            except (ValueError, LookupError, TypeError):
                tell(f"{path} cannot be read; everything is measured anew")

    def measure(self, point: Point) -> dict[str, Any]:
        """A point as a process of its own, measured now or before.

        Raises:
            RunError: The process failed.
        """
        name = " ".join(as_options(point))
        if name not in self.points:
            tell(name)
            command = [sys.executable, "-m", "benchmarks.scaling.point", *as_options(point)]
            environment = process_environment(os.environ, self.threads)
            done = run_measured([*command, "--threads", str(self.threads)], environment)
            check_success(name, done)
            found = json.loads(done.stdout.rstrip().rpartition("\n")[2])
            self.points[name] = {**found, "peak_rss_mib": done.peak_rss_mib}
            self._write({})
        return self.points[name]

    def finish(self, measured: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
        """Writes the axes and their lines too."""
        self._write({"machine": dict(about), "axes": list(measured)})

    def _write(self, more: Mapping[str, Any]) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            record = {"setting": self.setting, "points": self.points, **more}
            self.path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def measure_axes(wanted: Sequence[Axis], kept: Kept) -> list[dict[str, Any]]:
    """The points of each axis, the line of time through them and the verdict; JSON values.

    Raises:
        RunError: A point failed.
    """
    measured = []
    for axis in wanted:
        points = [kept.measure(point) for point in axis.points]
        line = fit([p[axis.against] for p in points], [p["step_s"] for p in points])
        values = [getattr(point, axis.name) for point in axis.points]
        peaks = [point["peak_rss_mib"] for point in points]
        measured.append(
            {
                "name": axis.name,
                "title": axis.title,
                "against": axis.against,
                "values": values,
                "points": points,
                "line": asdict(line),
                "verdict": asdict(judge(axis.name, line.r_squared, peaks)),
            }
        )
    return measured


def table(measured: Sequence[Mapping[str, Any]]) -> str:
    """One row a point, one line of the fit a quantity, in Markdown."""
    rows = [["quantity", "value", "unique tokens", "s a step", "peak MiB", "R² of the line"]]
    for axis in measured:
        for value, point in zip(axis["values"], axis["points"], strict=True):
            unique, time = f"{point['unique_tokens']:,}", number(point["step_s"])
            rows.append(
                [axis["title"], f"{value:,}", unique, time, number(point["peak_rss_mib"]), ""]
            )
        rows[-1][-1] = f"{axis['line']['r_squared']:.4f}"
    return markdown(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
