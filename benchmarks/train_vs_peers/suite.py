"""One case: its rows and adapter are set out, then all sides train them in turn."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.train_vs_peers.cases import REPOSITORY, Case
from benchmarks.train_vs_peers.comparison import Measurement
from benchmarks.train_vs_peers.model_folder import find_model
from benchmarks.train_vs_peers.ours import RUN_NAME, measure_ours
from benchmarks.train_vs_peers.peer import measure_peer
from benchmarks.train_vs_peers.peer_environment import peer_python
from benchmarks.train_vs_peers.peers import PEERS, Peer
from benchmarks.train_vs_peers.process import last_lines
from benchmarks.train_vs_peers.product_share import with_product_share
from benchmarks.train_vs_peers.progress import tell
from benchmarks.train_vs_peers.results import Results, code_hash
from benchmarks.train_vs_peers.rounds import Rounds, Side, run_rounds
from benchmarks.train_vs_peers.rows import prepare_rows
from benchmarks.train_vs_peers.task import Task
from tunery.config.settings import Settings
from tunery.errors import RunError


@dataclass(frozen=True, slots=True)
class Suite:
    """What is the same for all cases.

    Attributes:
        data: Folder of the data sets.
        model: Catalog name, folder or Hugging Face id.
        threads: CPU threads of each side.
        repeat: How often each side is measured.
        peers: Names of the peers.
        ours: Whether Tunery is measured too.
        results: Where measurements are kept.
    """

    data: Path
    model: str
    threads: int
    repeat: int
    peers: tuple[str, ...]
    ours: bool
    results: Results


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case, its task, and what was measured."""

    case: Case
    task: Task
    rounds: Rounds


def measure_case(case: Case, suite: Suite, settings: Settings, work: Path) -> CaseResult:
    """Measures all sides of a case.

    Args:
        case: What is trained.
        suite: How, and who.
        settings: Where the user's models are.
        work: An empty folder for this case.

    Raises:
        TuneryError: The data, the model or what all sides start from cannot be had.
    """
    task = set_out(case, suite, settings, work)
    sides: dict[str, Side] = {}
    if suite.ours:
        sides["ours"] = _kept(case, suite, task, "ours", _ours(task, settings, work))
    for peer in (PEERS[name] for name in suite.peers):
        if peer.takes(task):
            sides[peer.name] = _kept(case, suite, task, peer.name, _peer(peer, task))
    told = run_rounds(sides, suite.repeat, lambda text: tell(f"{case.name}, {text}"))
    return CaseResult(case, task, told)


def set_out(case: Case, suite: Suite, settings: Settings, work: Path) -> Task:
    """Writes the rows in the order of their steps and the adapter's first values.

    Raises:
        TuneryError: As `measure_case`.
    """
    data, usable = suite.data / case.file, work / "usable.jsonl"
    rows = prepare_rows(data, case.source, case.rows, usable)
    if rows.left_out:
        tell(f"{data}: {rows.left_out} rows cannot be used and are passed over")
    own = Path(suite.model).expanduser()
    folder = find_model(suite.model, settings.home, offline=settings.offline)
    task = Task(
        # a path of the user's counts from here, not from the run's configuration
        model=str(own.resolve()) if own.exists() else suite.model,
        model_folder=folder,
        rows_file=work / "rows.jsonl",
        adapter=work / "adapter",
        rows=case.rows,
        batch=case.batch,
        micro_batch=case.micro_batch,
        threads=suite.threads,
        pack_tokens=case.pack_tokens,
        pack_rows=case.pack_rows,
    )
    command = [sys.executable, "-m", "benchmarks.train_vs_peers.start", str(usable), str(work)]
    command += ["--model", str(folder), "--rows", str(task.rows), "--batch", str(task.batch)]
    command += ["--order", case.order, "--rank", str(task.rank), "--alpha", str(task.alpha)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise RunError(
            f"{case.name}: the rows and the adapter cannot be set out:\n{last_lines(done.stderr)}"
        )
    return task


def _ours(task: Task, settings: Settings, work: Path) -> Side:
    """Our side; each run gets an empty home folder."""
    models = settings.home / "models"

    def run(number: int) -> Measurement:
        home = work / f"home-{number}"
        found = measure_ours(task, home, models, os.environ)
        return with_product_share(found, home / "runs" / RUN_NAME, task, os.environ)

    return run


def _peer(peer: Peer, task: Task) -> Side:
    def run(_number: int) -> Measurement:
        python = peer_python(peer.environment, peer.requirements, tell, install=peer.install)
        return measure_peer(peer, task, python, os.environ)

    return run


def _kept(case: Case, suite: Suite, task: Task, name: str, side: Side) -> Side:
    """A side whose measurement is taken from the results where the same was measured before."""

    def run(number: int) -> Measurement:
        key, setting = f"{case.name}/{name}-{number}", _setting(case, task, name)
        found = suite.results.load(key, setting)
        if found is not None:
            tell(f"{key}: measured before")
            return found
        found = side(number)
        suite.results.save(key, setting, found)
        return found

    return run


def _setting(case: Case, task: Task, side: str) -> dict[str, Any]:
    """Everything that a measurement depends on, code included; JSON values."""
    code = (
        (REPOSITORY / "src" / "tunery").rglob("*.py")
        if side == "ours"
        else (PEERS[side].script, PEERS[side].requirements)
    )
    # the folder of this run alone says nothing
    trained = {k: str(v) for k, v in asdict(task).items() if k not in ("rows_file", "adapter")}
    return {**trained, "data": str(case.file), "order": case.order, "code": code_hash(code)}
