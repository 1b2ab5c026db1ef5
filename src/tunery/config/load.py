"""A run's YAML file and its `--set` overrides → one validated `RunConfig`, and back to YAML.

    config = load_run(Path("config.yaml"), overrides=["train.epochs=2"])
    (folder / "config.yaml").write_text(dump_run(config))

Every problem is reported at once, a line each, with its place and the nearest valid name:

    config.yaml:12: train.epoch is not a key of train; did you mean train.epochs?
    config.yaml:7: train.batch_size is 'eight', expected a whole number of at least 1
    --set train.lr=fast: train.lr is not a key of train; did you mean train.learning_rate?
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tunery.config.conflicts import conflicts
from tunery.config.dataset_name import dataset_of
from tunery.config.document import (
    Document,
    KeyPath,
    Problem,
    dotted,
    read_document,
    write_document,
)
from tunery.config.problems import SchemaProblem, explain, show
from tunery.config.reference import item_section_of, section_of, takes_path
from tunery.config.run import RunConfig
from tunery.config.text import MAX_BYTES, read_text
from tunery.errors import ConfigError, UserError

Names = tuple[str, ...]
"""A path of keys without list positions."""

MISSING = "Give the path of a run's YAML file."
LARGE = "Data goes into files of its own; `data.train` names them."
HINT = "Correct these lines, then run the command again."


@dataclass(slots=True)
class _Draft:
    """A configuration that is being put together.

    Attributes:
        tree: The values of the file with the overrides in them.
        document: Where each value of the file came from.
        file: The YAML file.
        overridden: Which override, as written, set a path.
        problems: What is wrong so far.
    """

    tree: dict[str, Any]
    document: Document
    file: Path
    overridden: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def override_of(self, path: KeyPath) -> str | None:
        """The override that set a path, the section around it, or a section that it needed."""
        prefixes = (path[:length] for length in range(len(path), 0, -1))
        around = next((self.overridden[p] for p in prefixes if p in self.overridden), None)
        if around or path in self.document.lines:
            return around
        inside = (text for p, text in self.overridden.items() if path and p[: len(path)] == path)
        return next(inside, None)

    def add(self, problem: SchemaProblem) -> None:
        """Notes a problem with the place of its key."""
        if override := self.override_of(problem.path):
            self.problems.append(Problem(f"--set {override}", problem.text, MAX_BYTES))
            return
        prefixes = (problem.path[:length] for length in range(len(problem.path), -1, -1))
        lines = self.document.lines
        line = next((lines[p] for p in prefixes if p in lines), 1)
        self.problems.append(Problem(f"{self.file}:{line}", problem.text, line))


def load_run(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Reads a run's configuration.

    Paths in the file are taken from the file's folder, paths in overrides from the current
    folder; `model` is a path if it starts with `.`, `~` or `/`, or if a folder of its name is
    there. All of them are absolute in the result. A data set of the library stays a name.

    Args:
        path: The YAML file.
        overrides: `key.sub=value` each, with a value in YAML; later ones win.

    Returns:
        The validated configuration.

    Raises:
        NotFoundError: The file is not there.
        ConfigError: Anything in it or in the overrides cannot be used; lists all of it.
    """
    text = read_text(path, "configuration", missing=MISSING, large=LARGE)
    document = read_document(text, str(path))
    draft = _Draft(tree={}, document=document, file=path, problems=list(document.problems))
    if isinstance(document.value, dict):
        draft.tree = document.value
    elif document.value is not None:
        text = f"the file is {show(document.value)}, expected keys such as `name: my-run`"
        draft.problems.append(Problem(f"{path}:1", text, 1))
    if draft.problems:
        # a file that was half read would seem to lack keys that it has
        raise _config_error(draft.problems)
    for override in overrides:
        _apply_override(draft, override)
    _resolve_paths(draft)
    config: RunConfig | None = None
    try:
        # strict JSON keeps YAML's types: '8' is no number and true is not 1
        config = RunConfig.model_validate_json(json.dumps(draft.tree), strict=True)
    except ValidationError as error:
        for problem in explain(error, RunConfig):
            draft.add(problem)
    if config is not None:
        for conflict in conflicts(config.method):
            text = f"{conflict.text}. {conflict.hint.rstrip('.')}"
            draft.add(SchemaProblem(("method", conflict.key), text))
    if config is None or draft.problems:
        raise _config_error(draft.problems)
    return config


def dump_run(config: RunConfig) -> str:
    """Writes a configuration as YAML, every key in full.

    `load_run` reads it back to the same value from any folder, since its paths are absolute.
    """
    return write_document(config.model_dump(mode="json"))


def _apply_override(draft: _Draft, override: str) -> None:
    """Puts one `key.sub=value` into the tree."""

    def refuse(text: str) -> None:
        draft.problems.append(Problem(f"--set {override}", text, MAX_BYTES))

    key, equals, text = override.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        refuse("expected key=value, such as train.epochs=2")
        return
    document = read_document(text, f"--set {override}", numbered=False)
    if document.problems:
        for problem in document.problems:
            refuse(problem.text)
        return
    section = draft.tree
    for depth, part in enumerate(path[:-1], start=1):
        inner = section.setdefault(part, {})
        if inner is None:
            inner = section[part] = {}
        if not isinstance(inner, dict):
            refuse(f"{dotted(path[:depth])} is {show(inner)}, not a section with keys in it")
            return
        section = inner
    section[path[-1]] = document.value
    for known in [p for p in draft.overridden if p[: len(path)] == path]:
        del draft.overridden[known]  # an earlier override of what this one replaces
    draft.overridden[path] = override


def _resolve_paths(draft: _Draft) -> None:
    """Makes the paths in the tree absolute, each from the folder of whoever wrote it."""
    for path in _path_keys(RunConfig):
        section = _section_at(draft.tree, path)
        if section is not None:
            _resolve_key(draft, section, path)
    model = draft.tree.get("model")
    if isinstance(model, str) and model:
        named = model.startswith((".", "~")) or Path(model).is_absolute()
        if named or (_origin(draft, ("model",)) / model).is_dir():
            _make_absolute(draft, draft.tree, ("model",))


def _resolve_key(draft: _Draft, section: dict[str, Any], path: Names) -> None:
    """Makes the path at a key absolute, and those in the sections of a list."""
    value = section.get(path[-1])
    if isinstance(value, str):
        _make_absolute(draft, section, path)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        for key in item if isinstance(item, dict) else ():
            if isinstance(item[key], str) and key in _item_paths(path):
                _make_absolute(draft, item, (*path, index, key))


def _item_paths(path: Names) -> set[str]:
    """The keys that take a path in the sections of the list at a key."""
    model: type[BaseModel] | None = RunConfig
    for part in path[:-1]:
        model = section_of(model.model_fields[part].annotation) if model else None
    items = item_section_of(model.model_fields[path[-1]].annotation) if model else None
    fields = items.model_fields.items() if items else ()
    return {name for name, info in fields if takes_path(info.annotation)}


def _path_keys(model: type[BaseModel], prefix: Names = ()) -> Iterator[Names]:
    """The keys that take a path."""
    for name, info in model.model_fields.items():
        if section := section_of(info.annotation):
            yield from _path_keys(section, (*prefix, name))
        elif takes_path(info.annotation):
            yield (*prefix, name)


def _section_at(tree: dict[str, Any], path: Names) -> dict[str, Any] | None:
    """The mapping that holds the last key of a path, if there is one."""
    section: Any = tree
    for part in path[:-1]:
        section = section.get(part) if isinstance(section, dict) else None
    return section if isinstance(section, dict) else None


def _origin(draft: _Draft, path: KeyPath) -> Path:
    """The folder from which a relative path counts."""
    return Path.cwd() if draft.override_of(path) else draft.file.absolute().parent


def _make_absolute(draft: _Draft, section: dict[Any, Any], path: KeyPath) -> None:
    """Replaces the path at a key by its absolute form, or notes why it has none."""
    text = section[path[-1]]
    try:
        if path[0] == "data" and dataset_of(text) is not None:
            return
        full = _origin(draft, path) / Path(text).expanduser()
        # only the folder is resolved, to drop `..`: the target of a link may lack the ending
        named = full.name not in ("", "..")
        section[path[-1]] = str(full.parent.resolve() / full.name if named else full.resolve())
    except UserError as error:  # begins like the name of a data set
        draft.add(SchemaProblem(path, f"{dotted(path)}: {error}"))
    except (OSError, RuntimeError, ValueError) as error:
        # a circle of links, the home of an unknown user, a zero byte
        draft.add(SchemaProblem(path, f"{dotted(path)} is {show(text)}, not a path: {error}"))


def _config_error(problems: Sequence[Problem]) -> ConfigError:
    ordered = sorted(problems, key=lambda problem: problem.line)
    return ConfigError("\n".join(str(problem) for problem in ordered), HINT)
