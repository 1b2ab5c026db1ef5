"""What the documents say about the repository is so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from tunery.cli.main import app
from tunery.cli.reference import render
from tunery.config.load import load_run
from tunery.config.reference import render_markdown
from tunery.models.proven import PROVEN, UNSHARED

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
)
EXAMPLE = ROOT / "examples" / "support_triage" / "config.yaml"
# Folders that hold nothing of the repository's own.
UNTRACKED = {"build", "dist"}


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _tree() -> Iterator[Path]:
    """Paths in the README's tree: two spaces a level, the name, then two spaces and what it is."""
    (block,) = [block for block in _blocks(README, "text") if "src/tunery/" in block]
    parents: list[Path] = []
    for line in block.splitlines():
        found = re.fullmatch(r"((?:  )*)(\S+)  +(\S.*)", line)
        assert found, f"no name and description: {line!r}"
        level = len(found[1]) // 2
        path = Path(*parents[level - 1 : level], found[2])
        assert found[2].endswith("/") == (ROOT / path).is_dir(), f"{path} is not so on the disk"
        assert (ROOT / path).exists(), f"{path} is not there"
        parents[level:] = [path]
        yield path


def test_tree_names_what_is_on_the_disk():
    named = set(_tree())
    package = ROOT / "src" / "tunery"
    folders = {path.parent for path in package.rglob("__init__.py")} - {package}
    modules = {path for path in package.glob("*.py") if path.name != "__init__.py"}
    top = {
        path
        for path in ROOT.iterdir()
        if path.is_dir()
        and not path.name.startswith(".")
        and path.name not in UNTRACKED
        and any(inner.is_file() for inner in path.rglob("*"))
    } - {ROOT / "src"}
    expected = {path.relative_to(ROOT) for path in folders | modules | top}
    assert sorted(map(str, expected - named)) == []


def test_tree_names_nothing_twice():
    named = list(_tree())
    assert len(named) == len(set(named))


def test_example_configuration_is_the_real_one():
    assert EXAMPLE.read_text("utf-8") in _blocks(README, "yaml")
    assert load_run(EXAMPLE).data.test is not None


def test_commands_in_the_documents_exist():
    groups, commands = _commands(typer.main.get_command(app), "tunery")
    assert "tunery models" in groups
    assert "tunery models list" in commands
    unknown = {
        f"{path.name}: {found}"
        for path in DOCUMENTS
        for found in re.findall(r"\btunery(?: [a-z]+(?:-[a-z]+)*)+", _code(path.read_text("utf-8")))
        if found not in groups
        and not any(f"{found} ".startswith(f"{command} ") for command in commands)
    }
    assert unknown == set()


def _commands(command, name: str) -> tuple[set[str], set[str]]:
    """Names of the groups and of the commands in them, each as it is typed."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return set(), {name}
    groups, commands = {name}, set()
    for word, child in inner.items():
        more_groups, more_commands = _commands(child, f"{name} {word}")
        groups |= more_groups
        commands |= more_commands
    return groups, commands


def _code(text: str) -> str:
    """What stands between backticks, a piece a line; comments in shell blocks are left out."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    return "\n".join(
        line.partition(" #")[0] for piece in [*blocks, *inline] for line in piece.splitlines()
    )


def test_verbs_in_the_documents_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    verbs = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    named = {
        verb
        for path in DOCUMENTS
        for verbs_found in re.findall(r"\bmake((?: [a-z]+)+)", _code(path.read_text("utf-8")))
        for verb in verbs_found.split()
    }
    assert {"quickstart", "test"} <= named <= verbs


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_in_the_documents_is_python(path):
    for block in _blocks(path.read_text("utf-8"), "python"):
        compile(block, str(path), "exec")


def test_command_reference_is_the_help():
    assert (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8") == render()


def test_configuration_reference_is_the_schema():
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text("utf-8")
    assert page.startswith("# Configuration\n")
    assert page.endswith(f"\n\n{render_markdown()}")


def test_the_way_of_a_run_names_what_is_there():
    text = (ROOT / "docs" / "design" / "001-architecture.md").read_text("utf-8")
    (block,) = [block for block in _blocks(text, "text") if "train.run.train" in block]
    missing = []
    for line in block.splitlines():
        module, _, name = line.split()[0].rpartition(".")
        file = ROOT / "src" / "tunery" / f"{module.replace('.', '/')}.py"
        if not file.is_file() or not re.search(rf"^(def|class) {name}\b", file.read_text(), re.M):
            missing.append(f"{module}.{name}")
    assert missing == []


def test_changelog_starts_with_what_is_not_released():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"


def test_the_table_of_proven_models_is_the_list_that_loading_asks():
    page = (ROOT / "docs" / "design" / "002-engine.md").read_text("utf-8")
    assert dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)) == {
        **PROVEN,
        **UNSHARED,
    }
    readme = re.search(r"proven: (\d+) types", README)
    assert readme
    assert int(readme[1]) == len(PROVEN) + len(UNSHARED)
