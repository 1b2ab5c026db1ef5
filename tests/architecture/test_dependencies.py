"""What is imported is what is declared, and the locks pin it for everybody."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = ("requirements.lock", "requirements-dev.lock")

# Import names that are not their distribution's.
DISTRIBUTION = {"backports": "backports-zstd", "stdnum": "python-stdnum", "yaml": "pyyaml"}
# The standard library of later versions, and what only type checkers see.
STANDARD = {*sys.stdlib_module_names, "compression", "_typeshed"}
# Parts of a declared library with a name of their own, which it documents as its interface.
PART_OF = {"annotated_types": "pydantic", "pydantic_core": "pydantic", "markupsafe": "jinja2"}


def _imported(folder: str) -> set[str]:
    """Top-level names of all third-party imports in a folder."""
    names: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - STANDARD - {"tunery", "benchmarks"}


def _distributions(names: set[str]) -> set[str]:
    return {
        canonicalize_name(DISTRIBUTION.get(name, PART_OF.get(name, name)), validate=False)
        for name in names
    }


def _declared(requirements: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(text) for text in requirements]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def _pins(lock: str) -> dict[str, str]:
    """Name and version of each line; anything that is no exact pin fails."""
    pins: dict[str, str] = {}
    for line in (ROOT / lock).read_text("utf-8").splitlines():
        text = line.partition("#")[0].partition(";")[0].strip()
        if text:
            found = re.fullmatch(r"([a-z0-9._-]+)==([0-9][0-9a-z.]*)", text)
            assert found, f"{lock}: {line!r} is not name==version"
            pins[found[1]] = found[2]
    return pins


def test_declared_dependencies_are_the_imported_ones():
    extras = [text for name, more in EXTRAS.items() if name != "dev" for text in more]
    declared = set(_declared([*PROJECT["dependencies"], *extras]))
    assert declared == _distributions(_imported("src"))


def test_what_an_extra_needs_is_installed_for_tests():
    extras = [text for name, more in EXTRAS.items() if name != "dev" for text in more]
    assert set(extras) <= set(EXTRAS["dev"])


def test_tests_import_only_what_is_declared():
    declared = _declared([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
    assert _distributions(_imported("tests")) - set(declared) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_satisfies_the_declared_ranges(lock):
    extra = PROJECT["optional-dependencies"]["dev"] if lock == "requirements-dev.lock" else []
    pins = _pins(lock)
    unfit = {
        str(requirement): pins.get(name)
        for name, requirement in _declared([*PROJECT["dependencies"], *extra]).items()
        if name not in pins or not requirement.specifier.contains(pins[name], prereleases=True)
    }
    assert unfit == {}


def test_lock_holds_the_build_tool():
    assert "hatchling" in _pins("requirements.lock")


def test_both_locks_agree():
    runtime, dev = (_pins(lock) for lock in LOCKS)
    assert {name: dev.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_place_of_the_machine_that_made_it(lock):
    words = (ROOT / lock).read_text("utf-8").split()
    assert [word for word in words if word.startswith("/") or "://" in word] == []
