"""Imports point down, and the light packages stay light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers")
LIGHT = ("errors", "config", "track", "data", "evaluate", "workspace", "api", "server")

# Runs in a process of its own: here, other tests have imported everything.
PROBE = """
import contextlib, importlib, io, json, pkgutil, runpy, sys

HEAVY, LIGHT = json.loads(sys.argv[1])
seen = {}

def note(step):
    seen[step] = [name for name in HEAVY if name in sys.modules]

out = io.StringIO()
sys.argv = ["tunery", "--help"]
with contextlib.redirect_stdout(out):
    try:
        runpy.run_module("tunery", run_name="__main__")
    except SystemExit as stop:
        code = stop.code
note("tunery --help")
for name in LIGHT:
    module = importlib.import_module(f"tunery.{name}")
    note(f"tunery.{name}")
    for inner in pkgutil.walk_packages(getattr(module, "__path__", []), f"tunery.{name}."):
        importlib.import_module(inner.name)
        note(inner.name)
print(json.dumps({"code": code, "help": out.getvalue(), "seen": seen}))
"""


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        timeout=240,
    )


@pytest.fixture(scope="module")
def probe() -> dict:
    result = _python("-c", PROBE, json.dumps([HEAVY, LIGHT]))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_contract_is_kept():
    # Not called in this process: it switches the loggers off that other tests listen to.
    lint = "import sys, importlinter.cli as c; sys.exit(c.lint_imports(no_cache=True))"
    result = _python("-c", lint)
    assert result.returncode == 0, result.stdout + result.stderr


def test_python_m_tunery_answers_help(probe):
    assert probe["code"] in (0, None)
    assert "Usage: tunery" in probe["help"]


def test_light_packages_and_all_commands_load_no_deep_learning_library(probe):
    assert len(probe["seen"]) > len(LIGHT)
    # The first one says which module started it; those after it only inherit.
    first = next(({step: names} for step, names in probe["seen"].items() if names), {})
    assert first == {}
