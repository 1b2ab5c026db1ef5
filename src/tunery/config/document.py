"""YAML text → plain values, each with the line that it came from.

The scalars are those of YAML 1.2's core schema, because 1.1's have traps in a configuration:
`no` would be a truth value, `1e-3` a text and `12:30` a number. Anything that is not a plain
value, such as a tag, is a problem with its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the top: ("train", "epochs")."""

MAX_NODES = 10_000
"""A run's YAML has a few dozen nodes; aliases of aliases can unfold to billions."""

_CORE_SCHEMA: tuple[tuple[str, str, list[str]], ...] = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        list("-+.0123456789"),
    ),
    ("tag:yaml.org,2002:merge", r"^(?:<<)$", ["<"]),
)
# tag, the texts that have it, and the first characters of such texts


def dotted(path: KeyPath) -> str:
    """A path as people write it: `train.epochs`, `method.targets[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        place: Where, such as `config.yaml:12` or `--set train.epoch=3`.
        text: What was given and what was expected.
        line: For the order of the report; overrides come after the file.
    """

    place: str
    text: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(slots=True)
class Document:
    """What a YAML text says.

    Attributes:
        value: The plain values; None for an empty text.
        lines: Line, from 1, of each key and list item.
        problems: What could not be read.
    """

    value: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of the core schema in place of YAML 1.1's."""

    # declared here because `add_implicit_resolver` would otherwise start from the parent's
    yaml_implicit_resolvers = {}  # noqa: RUF012 (the parent declares it this way)


LINE_SIGNS = frozenset("\x85\u2028\u2029")
"""Ends of lines beside the usual ones; within simple quotes they are read back as other signs."""


class _Dumper(yaml.SafeDumper):
    """Quotes a text that either schema would read as something else."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """In double quotes, which escape, where it holds an unusual end of a line."""
        style = None if LINE_SIGNS.isdisjoint(text) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)

for _tag, _pattern, _first in _CORE_SCHEMA:
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)
    _Dumper.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def read_document(text: str, source: str, *, numbered: bool = True) -> Document:
    """Reads a YAML text; never raises for what is in it.

    Args:
        text: The YAML.
        source: What to call it in a problem's place.
        numbered: Whether places carry a line; a one-line override needs none.

    Returns:
        The values, their lines and the problems.
    """
    document = Document()
    walk = _Walk(document, source, numbered)
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            document.value = walk.plain(node, (), loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        walk.report(mark.line + 1 if mark else 1, f"this is not YAML: {reason}")
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        walk.report(1, f"this is not YAML: {reason}")
    except RecursionError:
        walk.report(1, "this is nested too deeply")
    return document


def write_document(value: Any) -> str:
    """Writes plain values as YAML that `read_document` reads back to the same values."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return text


@dataclass(slots=True)
class _Walk:
    """One pass over the nodes of a document, which collects instead of raising."""

    document: Document
    source: str
    numbered: bool
    nodes: int = 0
    checked: set[int] = field(default_factory=set)

    def report(self, line: int, text: str) -> None:
        place = f"{self.source}:{line}" if self.numbered else self.source
        self.document.problems.append(Problem(place, text, line))

    def plain(self, node: yaml.Node, path: KeyPath, loader: _Loader) -> Any:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(path, line)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            if self.nodes == MAX_NODES + 1:
                self.report(line, f"more than {MAX_NODES} values; aliases may unfold to very many")
            return None
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path, loader)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.plain(item, (*path, i), loader) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALAR_TAGS:
            return self._scalar(node, line)
        self.report(line, f"the tag {node.tag} is not known; only plain values are read")
        return None

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, loader: _Loader) -> dict[str, Any]:
        if id(node) not in self.checked:
            # once a node: an alias shows it again after `<<` has put other mappings' keys into it
            self.checked.add(id(node))
            self._check_keys(node, path)
        loader.flatten_mapping(node)  # unfolds `<<: *other`, whose keys come first
        result: dict[str, Any] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                key_path = (*path, key.value)
                self.document.lines[key_path] = key.start_mark.line + 1
                result[key.value] = self.plain(value, key_path, loader)
        return result

    def _check_keys(self, node: yaml.MappingNode, path: KeyPath) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.report(line, "a key is a list or a mapping, expected a name")
            elif key.value in first:
                name = dotted((*path, key.value))
                self.report(line, f"{name} is given twice, first in line {first[key.value]}")
            else:
                first[key.value] = line

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        convert = _SCALAR_TAGS[node.tag]
        try:
            return convert(node.value)
        except ValueError:
            # an explicit tag before a text that does not fit it: `!!int eight`
            self.report(line, f"{node.value!r} does not fit the tag {node.tag}")
            return None


def _number(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


_SCALAR_TAGS: dict[str, Any] = {
    "tag:yaml.org,2002:null": lambda text: None,  # noqa: ARG005 (whatever was written)
    "tag:yaml.org,2002:bool": _truth,
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": _number,
    "tag:yaml.org,2002:str": str,
}
