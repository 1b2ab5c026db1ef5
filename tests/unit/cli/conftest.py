"""Commands run in this process, on a home folder of their own and a scripted engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tunery.cli.main import app
from tunery.config.settings import Settings
from tunery.data.conversation import Message
from tunery.errors import NotFoundError
from tunery.models.registry import publish
from tunery.models.sources import Log, ModelFiles
from tunery.testing.scripted_engine import ScriptedEngine
from tunery.workspace import Workspace

UNSET = dict.fromkeys(("TUNERY_OFFLINE", "HF_HUB_OFFLINE", "TUNERY_API_KEY"))


class ScriptedWorkspace(Workspace):
    """A workspace whose engine is written in advance; `opened` holds what it was asked to open."""

    def __init__(self, home: Path, *, offline: bool = False) -> None:
        super().__init__(Settings(home=home, offline=offline))
        self.engine: Any = ScriptedEngine({"base": reverse, "shop": capital}, context_tokens=50)
        self.opened: list[tuple[list[str], int | None]] = []
        self.fetched: list[tuple[str, bool]] = []

    def open_engine(self, names: Sequence[str], log: Log, threads: int | None = None) -> Any:
        log(f"opening {', '.join(names)}")
        self.opened.append((list(names), threads))
        return self.engine

    def fetch(self, model: str, log: Log, *, verify: bool = False) -> ModelFiles:
        log(f"trying {model}")
        if model == "nowhere/model":
            raise NotFoundError("There is no such model.", "Choose another.")
        self.fetched.append((model, verify))
        return ModelFiles(model, self.home / "models" / model, "a test")


def reverse(messages: Sequence[Message]) -> str:
    return messages[-1].content[::-1]


def capital(messages: Sequence[Message]) -> str:
    return messages[-1].content.upper()


@pytest.fixture
def workspace(tmp_path: Path) -> ScriptedWorkspace:
    return ScriptedWorkspace(tmp_path / "home")


@pytest.fixture
def tune(workspace: ScriptedWorkspace) -> Callable[..., Path]:
    """Makes a tuned model without weights, which a scripted engine does not need."""

    def make(name: str = "shop", base: str = "base", system: str | None = None) -> Path:
        run = workspace.home / "runs" / name
        (run / "adapter").mkdir(parents=True)
        return publish(workspace.home, name, base, run, system).folder

    return make


@pytest.fixture
def run(workspace: ScriptedWorkspace, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command; `expect` is its exit code, which a failing test shows with the output."""

    def invoke(
        *args: object, expect: int = 0, env: dict[str, str | None] | None = None, **extra: Any
    ) -> Result:
        extra.setdefault("obj", workspace)
        words = [str(arg) for arg in args]
        clean = UNSET | {"TUNERY_HOME": str(tmp_path / "home")}
        result = CliRunner(env=clean).invoke(app, words, env=env, prog_name="tunery", **extra)
        assert result.exit_code == expect, result.output
        return result

    return invoke


@pytest.fixture
def run_json(run: Callable[..., Result]) -> Callable[..., Any]:
    """Runs a command with `--json` and reads its standard output as one JSON value."""

    def invoke(*args: object, **extra: Any) -> Any:
        return json.loads(run(*args, "--json", **extra).stdout)

    return invoke
