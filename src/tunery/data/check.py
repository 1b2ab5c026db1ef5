"""A data file to a verdict, row by row: memory does not grow with the texts of the file.

A large JSON Lines file is read in parts by several processes. What each found is joined in the
order of the file, so the findings are those of one process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from tunery.data.collect import Collector
from tunery.data.file import DataFile
from tunery.data.findings import Finding
from tunery.data.reservoir import Reservoir
from tunery.data.sources.parts import PART_BYTES, Part, cut
from tunery.data.sources.row import SourceRow
from tunery.errors import DataError

Verdict = Literal["ok", "warnings", "errors"]

PARALLEL_BYTES = 64 * 2**20
"""Smaller files are read faster by one process than others start."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of a file.

    Attributes:
        file: How it was read.
        total: Its rows.
        looked_at: The rows that were checked: all of them, or those of a sample.
        used: Those of them that can be learned from.
        findings: Everything wrong or odd, in the order of the file.
    """

    file: DataFile
    total: int
    looked_at: int
    used: int
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst that was found."""
        if any(finding.severity == "error" for finding in self.findings):
            return "errors"
        return "warnings" if self.findings else "ok"


def check_file(
    file: DataFile,
    *,
    near: bool = True,
    sample: int | None = None,
    seed: int = 0,
    processes: int | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Checked:
    """Checks the rows of a file.

    Args:
        file: How it is read.
        near: Look for rows that are nearly the same as an earlier one as well.
        sample: Check only so many rows, chosen by the seed; what shows only when rows are seen
            together, such as duplicates, is then looked for in the sample alone.
        seed: Chooses the sample.
        processes: How many read a large file; as many as there are cores by default.
        on_bytes: Told how many bytes have been read since it was told last.

    Raises:
        DataError: The file as a whole cannot be used, or holds no rows.
    """
    processes = processes or os.cpu_count() or 1
    if sample is not None:
        collector, total = _check_sample(file, near, sample, seed)
    elif processes > 1 and file.in_parts and Path(file.path).stat().st_size >= PARALLEL_BYTES:
        collector = _check_in_parts(file, near, processes, on_bytes)
        total = collector.total
    else:
        collector = Collector(file.name, advice=True, near=near)
        for row in file.rows():
            collector.add(row)
        total = collector.total
    if not total:
        raise DataError(
            f"{file.name} holds no rows; expected at least one.", "Put rows into the file."
        )
    return Checked(file, total, collector.total, collector.used, collector.findings())


def _check_sample(file: DataFile, near: bool, wanted: int, seed: int) -> tuple[Collector, int]:
    chosen: Reservoir[SourceRow] = Reservoir(wanted, seed)
    for found in file.source_rows():
        chosen.add(found)
    collector = Collector(file.name, advice=True, near=near)
    for row in map(file.row_reader(), chosen.values()):
        collector.add(row)
    return collector, chosen.seen


def _check_in_parts(
    file: DataFile, near: bool, processes: int, on_bytes: Callable[[int], None]
) -> Collector:
    collector = Collector(file.name, advice=True, near=near)
    parts = cut(Path(file.path), PART_BYTES)
    # A process that is forked from one with threads may hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for part, found in zip(
            parts, pool.map(partial(_check_part, file, near), parts), strict=True
        ):
            collector.merge(found)
            on_bytes(part.end - part.start)
    return collector


def _check_part(file: DataFile, near: bool, part: Part) -> Collector:
    collector = Collector(file.name, advice=True, near=near)
    for row in file.rows_of(part):
        collector.add(row)
    return collector
