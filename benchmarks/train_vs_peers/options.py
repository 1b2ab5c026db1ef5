"""The command line, read into one value."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.train_vs_peers.cases import CASES, REPOSITORY, Case, with_targets
from benchmarks.train_vs_peers.peers import PEERS

DESCRIPTION = """\
Trains the same rows with `tunery train` and with other trainers, each as a process of its own, and
prints speed, memory and the loss of each step side by side. The first run makes the peers' virtual
environments.
"""

OWN = "data"
"""Name of the case that `--data` makes."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for.

    Attributes:
        cases: What is trained.
        data_sets: Folder of the data sets.
        model: Catalog name, folder or Hugging Face id.
        threads: CPU threads of each side.
        repeat: How often each side is measured.
        peers: Names of the peers that are measured.
        ours: Whether Tunery is measured.
        results: Folder that keeps the measurements; None keeps nothing.
        markdown: File to write the table into; None writes none.
        json: Print one JSON object in place of the tables.
    """

    cases: tuple[Case, ...]
    data_sets: Path
    model: str
    threads: int
    repeat: int
    peers: tuple[str, ...]
    ours: bool
    results: Path | None
    markdown: Path | None
    json: bool


def read_options(arguments: Sequence[str]) -> Options:
    """Reads the command line.

    Args:
        arguments: Without the program's name.

    Raises:
        SystemExit: It cannot be used (code 2, after a message), or help was asked for (code 0).
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.peers_only and not given.peers:
        parser.error("--peers-only and --peers none leave nothing to measure")
    return Options(
        cases=_cases(parser, given),
        data_sets=given.data_sets.resolve(),
        model=given.model,
        threads=given.threads,
        repeat=given.repeat,
        peers=given.peers,
        ours=not given.peers_only,
        results=given.results,
        markdown=given.markdown,
        json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.train_vs_peers", description=DESCRIPTION, allow_abbrev=False
    )
    add = parser.add_argument
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--case", action="append", choices=list(CASES), help="a case of cases.py; may be repeated"
    )
    what.add_argument("--all", action="store_true", help="all cases that have targets")
    what.add_argument("--data", type=Path, metavar="FILE", help="rows of your own")
    add("--rows", type=_count, metavar="N", help="rows to train (the case's; 24 of --data)")
    add("--batch", type=_count, metavar="B", help="rows a step (the case's; 8 of --data)")
    add("--micro-batch", type=_count, metavar="M", help="rows that TRL computes at once")
    data_sets = REPOSITORY.parent / "shared" / "data"
    add("--data-sets", type=Path, default=data_sets, metavar="FOLDER", help=f"({data_sets})")
    add("--model", default="smollm2-135m-instruct", help="name, folder or Hugging Face id")
    add("--threads", type=_count, default=usable_cores(), help="CPU threads (all cores)")
    add("--repeat", type=_count, default=1, metavar="K", help="measure each side K times (1)")
    add("--peers", type=_peers, default=("trl",), help="of trl,llamafactory, or none (trl)")
    add("--peers-only", action="store_true", help="do not measure Tunery")
    add("--results", type=Path, metavar="FOLDER", help="keep measurements, go on from them")
    add("--markdown", type=Path, metavar="FILE", help="write the table as a page")
    add("--json", action="store_true", help="print one JSON object")
    return parser


def _cases(parser: argparse.ArgumentParser, given: argparse.Namespace) -> tuple[Case, ...]:
    """The cases asked for, with the numbers that were given."""
    if given.data is not None:
        cases = [Case(OWN, given.data.resolve(), rows=24, batch=8, micro_batch=8)]
    else:
        cases = with_targets() if given.all else [CASES[name] for name in given.case]
    changes = {name: getattr(given, name) for name in ("rows", "batch", "micro_batch")}
    changes = {name: value for name, value in changes.items() if value is not None}
    changed = [replace(case, **changes) for case in cases]
    for case in changed:
        if "batch" in changes and "micro_batch" not in changes:
            changed[changed.index(case)] = replace(
                case, micro_batch=math.gcd(case.batch, case.micro_batch)
            )
        elif case.batch % case.micro_batch:
            parser.error(
                f"--micro-batch {case.micro_batch} given, expected a divisor of the batch, "
                f"{case.batch}"
            )
    return tuple(changed)


def _peers(text: str) -> tuple[str, ...]:
    """Names of peers, or none."""
    names = () if text == "none" else tuple(text.split(","))
    unknown = [name for name in names if name not in PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} given, expected {', '.join(PEERS)}, or none"
        )
    return names


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
