"""The command: reads it, measures case after case, prints the result.

    $ python -m benchmarks.train_vs_peers --case gsm8k --peers trl,llamafactory
    $ python -m benchmarks.train_vs_peers --all --repeat 3 --results .bench --markdown page.md

Exit code 0 if all sides asked for were measured, 1 if one failed, 2 if the command cannot be used.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.train_vs_peers import machine
from benchmarks.train_vs_peers.cases import Case
from benchmarks.train_vs_peers.options import Options, read_options
from benchmarks.train_vs_peers.page import page, summary
from benchmarks.train_vs_peers.peers import PEERS
from benchmarks.train_vs_peers.progress import tell
from benchmarks.train_vs_peers.results import Results
from benchmarks.train_vs_peers.suite import CaseResult, Suite, measure_case
from benchmarks.train_vs_peers.table import as_json, as_text
from tunery.config.settings import read_settings
from tunery.errors import TuneryError


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The exit code.
    """
    options = read_options(arguments)
    measured: list[CaseResult] = []
    code = 0
    try:
        for case in options.cases:
            try:
                measured.append(_measure(options, case))
            except TuneryError as error:
                print(f"{case.name}: {error}", file=sys.stderr)
                if len(options.cases) == 1:
                    return error.exit_code
                code = 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(result(measured, options))
    if options.markdown is not None and measured:
        options.markdown.write_text(page(measured, machine.describe()), "utf-8")
    return 1 if any(found.rounds.failures for found in measured) else code


def _measure(options: Options, case: Case) -> CaseResult:
    """Measures a case in a folder for it alone, which is kept if a side failed."""
    suite = Suite(
        data=options.data_sets,
        model=options.model,
        threads=options.threads,
        repeat=options.repeat,
        peers=options.peers,
        ours=options.ours,
        results=Results(options.results),
    )
    work = Path(tempfile.mkdtemp(prefix="tunery-bench-"))
    keep = False
    try:
        found = measure_case(case, suite, read_settings(os.environ), work)
        keep = bool(found.rounds.failures)
    finally:
        if not keep:
            shutil.rmtree(work, ignore_errors=True)
    if keep:
        tell(f"the files of this run are kept in {work}")
    return found


def result(measured: Sequence[CaseResult], options: Options) -> str:
    """What is printed: the tables, or with `--json` one object."""
    about = machine.describe()
    if options.json:
        cases = [_case_json(found, options, about) for found in measured]
        return json.dumps(
            {"benchmark": "train_vs_peers", "machine": about, "cases": cases}, indent=2
        )
    texts = [text for found in measured for text in _tables(found, options, about)]
    return "\n\n".join([*texts, summary(measured)] if len(measured) > 1 else texts)


def _tables(found: CaseResult, options: Options, about: dict[str, Any]) -> list[str]:
    """The tables of a case, one a peer."""
    task = found.task
    setting = (
        f"{found.case.file.name}: {task.rows} rows, batch {task.batch}, {task.model}, "
        f"LoRA rank {task.rank}, threads {task.threads}, {about['cpu']}, {about['memory_gib']} GiB"
    )
    texts = []
    for name in options.peers or ("trl",):
        peer = PEERS[name]
        if peer.takes(task):
            beside = as_text(found.rounds.beside(name), setting, losses=peer.same_steps)
            texts.append(f"{found.case.name}; the peer is {peer.title}\n\n{beside}")
    return texts


def _case_json(found: CaseResult, options: Options, about: dict[str, Any]) -> dict[str, Any]:
    task = found.task
    settings = {
        "data": str(found.case.file),
        "order": found.case.order,
        "rows": task.rows,
        "batch": task.batch,
        "micro_batch_of_trl": task.micro_batch,
        "epochs": 1,
        "model": task.model,
        "method": "lora",
        "rank": task.rank,
        "alpha": task.alpha,
        "learning_rate": task.learning_rate,
        "schedule": "constant",
        "threads": task.threads,
        "repeat": options.repeat,
    }
    peers = {
        name: as_json(found.rounds.beside(name), settings, about)
        for name in options.peers or ("trl",)
        if PEERS[name].takes(task)
    }
    return {"case": found.case.name, "settings": settings, "peers": peers}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
