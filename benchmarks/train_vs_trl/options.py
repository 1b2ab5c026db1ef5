"""The command line, read into one value."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SIDES = ("ours", "peer")

DESCRIPTION = """\
Trains the same rows with `tunery train` and with TRL's SFTTrainer, each as a process of its own,
and prints speed, memory and the loss of each step side by side. The first run makes the peer's
virtual environment.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for.

    Attributes:
        data: File with the rows: chat JSONL, prompt/completion JSONL or CSV.
        rows: How many of its rows are trained, the first ones.
        batch: Rows in one optimizer step.
        model: Catalog name, folder or Hugging Face id.
        threads: CPU threads of each side.
        repeat: How often each side is measured.
        sides: Which sides are measured.
        json: Print one JSON object in place of the table.
    """

    data: Path
    rows: int
    batch: int
    model: str
    threads: int
    repeat: int
    sides: tuple[str, ...]
    json: bool


def read_options(arguments: Sequence[str]) -> Options:
    """Reads the command line.

    Args:
        arguments: Without the program's name.

    Raises:
        SystemExit: It cannot be used (code 2, after a message), or help was asked for (code 0).
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_vs_trl",
        description=DESCRIPTION,
        allow_abbrev=False,
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="the rows")
    parser.add_argument("--rows", type=_count, default=24, metavar="N", help="rows to train (24)")
    parser.add_argument("--batch", type=_count, default=8, metavar="B", help="rows a step (8)")
    parser.add_argument(
        "--model",
        default="smollm2-135m-instruct",
        help="catalog name, folder or Hugging Face id (smollm2-135m-instruct)",
    )
    parser.add_argument(
        "--threads", type=_count, default=usable_cores(), help="CPU threads (all cores)"
    )
    parser.add_argument(
        "--repeat", type=_count, default=1, metavar="K", help="measure K pairs in turn (1)"
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--ours-only", action="store_true", help="measure Tunery alone")
    only.add_argument("--peer-only", action="store_true", help="measure the peer alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    left_out = ("peer",) if given.ours_only else ("ours",) if given.peer_only else ()
    return Options(
        data=given.data,
        rows=given.rows,
        batch=given.batch,
        model=given.model,
        threads=given.threads,
        repeat=given.repeat,
        sides=tuple(side for side in SIDES if side not in left_out),
        json=given.json,
    )


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _count(text: str) -> int:
    """A whole number of at least 1."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} given, expected a whole number of at least 1")
    return number
