"""The peers: which script trains, in which environment, and with which settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.train_vs_peers.task import Task

HERE = Path(__file__).parent
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Peer:
    """A trainer that Tunery is measured against.

    Attributes:
        name: What the command line calls it.
        title: What it is called in tables.
        script: Its process runs this, in an environment of its own.
        requirements: Of that environment, every version pinned.
        environment: Its folder.
        install: Options of pip for these requirements.
        takes: Whether it can train a task.
        arguments: Of the script, besides those that all peers get.
        same_steps: Its steps hold the rows of ours, so losses can be compared.
    """

    name: str
    title: str
    script: Path
    requirements: Path
    environment: Path
    install: tuple[str, ...]
    takes: Callable[[Task], bool]
    arguments: Callable[[Task], list[str]]
    same_steps: bool


def _trl_arguments(task: Task) -> list[str]:
    return ["--micro-batch", str(task.micro_batch), "--adapter", str(task.adapter)]


def _llamafactory_arguments(task: Task) -> list[str]:
    return ["--pack-tokens", str(task.pack_tokens), "--pack-rows", str(task.pack_rows)]


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer(
            name="trl",
            title="TRL",
            script=HERE / "peer_trl.py",
            requirements=HERE / "requirements-trl.txt",
            environment=REPOSITORY / ".venv-bench",
            install=(),
            takes=lambda _task: True,
            arguments=_trl_arguments,
            same_steps=True,
        ),
        Peer(
            name="llamafactory",
            title="LLaMA-Factory",
            script=HERE / "peer_llamafactory.py",
            requirements=HERE / "requirements-llamafactory.txt",
            environment=REPOSITORY / ".venv-bench-llamafactory",
            # the list is complete; torchvision and torchaudio, left out, fit no CPU build of torch
            install=("--no-deps",),
            takes=lambda task: task.pack_tokens is not None,
            arguments=_llamafactory_arguments,
            same_steps=False,
        ),
    )
}
"""All peers by name."""
