"""What is installed from a wheel is all that a run needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    result = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    (wheel,) = folder.glob("tunery-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_holds_every_file_of_the_package(names):
    package = ROOT / "src" / "tunery"
    files = {
        str(Path("tunery") / path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if not _is_extra(name)} == files


def test_wheel_holds_the_sample_task(names):
    example = "tunery/examples/support_triage"
    assert {f"{example}/{file}" for file in ("config.yaml", "train.jsonl", "test.jsonl")} <= names


def test_wheel_holds_the_licence(names):
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def _is_extra(name: str) -> bool:
    return ".dist-info/" in name or name.startswith("tunery/examples/")
