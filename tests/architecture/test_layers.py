"""Imports point down, and the light packages stay light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import cli

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


@pytest.fixture(scope="module")
def probe() -> dict:
    result = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps([HEAVY, LIGHT])],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        timeout=240,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_contract_is_kept(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])  # import-linter adds the current folder to it
    assert cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_python_m_tunery_answers_help(probe):
    assert probe["code"] in (0, None)
    assert "Usage: tunery" in probe["help"]


def test_light_packages_and_all_commands_load_no_deep_learning_library(probe):
    assert len(probe["seen"]) > len(LIGHT)
    # The first one says which module started it; those after it only inherit.
    first = next(({step: names} for step, names in probe["seen"].items() if names), {})
    assert first == {}
