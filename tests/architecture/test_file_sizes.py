"""One idea a file, short functions, no file named after nothing: the budget of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "benchmarks")
MOST_LINES = 400
MOST_LINES_MEDIAN = 180
MOST_FUNCTION_LINES = 60
MOST_LONG_FUNCTIONS = 0.02  # share
VAGUE_WORDS = frozenset(
    {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager", "core"}
)


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return {path.relative_to(ROOT): path.read_text("utf-8") for path in sorted(files)}


@pytest.fixture(scope="module")
def trees(texts) -> dict[Path, ast.Module]:
    return {path: ast.parse(text, str(path)) for path, text in texts.items()}


def test_the_folders_hold_files(texts):
    assert {path.parts[0] for path in texts} == set(FOLDERS)


def test_no_file_is_too_long(texts):
    lines = {str(path): len(text.splitlines()) for path, text in texts.items()}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_most_files_are_short(texts):
    lines = [
        len(text.splitlines())
        for path, text in texts.items()
        if path.parts[0] == "src" and path.name != "__init__.py"
    ]
    assert statistics.median(lines) <= MOST_LINES_MEDIAN


@pytest.fixture(scope="module")
def functions(trees) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {
        f"{path}:{node.lineno} {node.name}": node
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_no_function_does_too_much(functions):
    """Lines of the body alone: a command's signature is its table of options."""
    lines = {name: _body_lines(function) for name, function in functions.items()}
    assert {name: count for name, count in lines.items() if count > MOST_FUNCTION_LINES} == {}


def test_few_functions_fill_a_screen(functions):
    """Signature and docstring included."""
    in_package = [node for name, node in functions.items() if name.startswith("src")]
    long = [node.name for node in in_package if _lines(node) > MOST_FUNCTION_LINES]
    assert len(long) < MOST_LONG_FUNCTIONS * len(in_package), long


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    has_docstring = ast.get_docstring(function) is not None
    body = function.body[1 if has_docstring else 0 :]
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_names_say_what_is_inside(texts):
    vague = {
        str(path)
        for path in texts
        if path.stem.removeprefix("test_") in VAGUE_WORDS
        or path.stem.rpartition("_")[2] in VAGUE_WORDS
        or VAGUE_WORDS.intersection(path.parts[:-1])
    }
    assert vague == set()


def test_package_files_are_a_docstring_only(trees):
    packages = {path: tree for path, tree in trees.items() if path.name == "__init__.py"}
    assert packages
    others = {
        str(path)
        for path, tree in packages.items()
        if len(tree.body) != 1 or ast.get_docstring(tree) is None
    }
    assert others == set()


def test_every_package_folder_has_its_docstring(texts):
    folders = {path.parent for path in texts if path.parts[0] == "src"}
    missing = {str(folder) for folder in folders if folder / "__init__.py" not in texts}
    assert missing == set()
