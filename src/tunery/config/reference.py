"""The schema of the configuration as text: for the docs page, `--help` and error messages.

Everything comes from the sections themselves: the key's annotation and bounds, its default and
the docstring under it.

    for key in describe():
        print(key.path, key.type, key.default, key.description)
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from tunery.config.document import write_document
from tunery.config.run import RunConfig

REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """One key.

    Attributes:
        path: From the top, with dots: `train.epochs`.
        type: What it takes, in words: "a whole number of at least 1".
        default: As written in YAML; "required" if there is none.
        description: The docstring under the key, in one line.
        is_section: It holds further keys.
    """

    path: str
    type: str
    default: str
    description: str
    is_section: bool = False


def describe(model: type[BaseModel] = RunConfig, prefix: str = "") -> list[KeyDescription]:
    """Every key of a section and of the sections in it, in their order.

    Args:
        model: The section to start from.
        prefix: Path of that section, with a dot at its end; empty for the whole configuration.
    """
    return list(_describe(model, prefix))


def _describe(model: type[BaseModel], prefix: str) -> Iterator[KeyDescription]:
    for name, info in model.model_fields.items():
        section = section_of(info.annotation)
        yield KeyDescription(
            path=f"{prefix}{name}",
            type=_type(info, section),
            default=_default(info),
            description=" ".join((info.description or "").split()),
            is_section=section is not None,
        )
        if section is not None:
            yield from _describe(section, f"{prefix}{name}.")
        if (item := item_section_of(info.annotation)) is not None:
            about = " ".join((item.__doc__ or "").split())
            yield KeyDescription(f"{prefix}{name}[]", "a section", "", about, is_section=True)
            yield from _describe(item, f"{prefix}{name}[].")


def render_markdown(keys: Sequence[KeyDescription] | None = None) -> str:
    """The reference as Markdown: one table for the top level and one for each section."""
    keys = describe() if keys is None else keys
    groups: dict[str, list[KeyDescription]] = {}
    about = {key.path: key.description for key in keys if key.is_section}
    for key in keys:
        groups.setdefault(key.path.rpartition(".")[0], []).append(key)
    parts = []
    for section, members in groups.items():
        if section:
            parts += [f"## `{section}`", about[section]]
        rows = [
            f"| `{key.path}` | {_cell(key.type)} | {_cell(_code(key.default))} "
            f"| {_cell(key.description)} |"
            for key in members
        ]
        parts.append("\n".join(["| Key | Takes | Default | Meaning |", "|---|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation names, possibly beside None; None if it names no section."""
    for member in _members(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
    return None


def item_section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that each item of a list is, where an annotation takes such a list."""
    for member in _members(annotation):
        if get_origin(member) in (tuple, list):
            return section_of(get_args(member)[0])
    return None


def expected(info: FieldInfo) -> str:
    """What a key takes, in words that follow "expected": "a whole number of at least 1"."""
    return _phrase(info.annotation, info.metadata)


def takes_path(annotation: Any) -> bool:
    """Whether a text given for this annotation is the path of a file."""
    return any(member is Path for member in _members(annotation))


def _members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union; the annotation itself if it is none."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(inner for member in get_args(annotation) for inner in _members(member))
    return (annotation,)


def _type(info: FieldInfo, section: type[BaseModel] | None) -> str:
    """As `expected`, without a section's keys: in a reference they follow anyway."""
    if section is None:
        return expected(info)
    return "a section or null" if type(None) in _members(info.annotation) else "a section"


def _phrase(annotation: Any, metadata: Sequence[Any]) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return _phrase(inner, [*metadata, *more])
    if origin in (Union, types.UnionType):
        alternatives = [a for a in get_args(annotation) if a is not type(None)]
        phrases = [_phrase(alternative, metadata) for alternative in alternatives]
        if len(alternatives) < len(get_args(annotation)):
            phrases.append("null")
        return " or ".join(phrases)
    if origin is Literal:
        values = [str(value) for value in get_args(annotation)]
        return values[0] if len(values) == 1 else f"one of {', '.join(values)}"
    if origin in (tuple, list):
        if (section := section_of(get_args(annotation)[0])) is not None:
            return f"a list of sections with {', '.join(section.model_fields)}"
        kinds = [_PLURALS.get(kind, "values") for kind in _members(get_args(annotation)[0])]
        return f"a list of {' or '.join(dict.fromkeys(kinds))}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a section with {', '.join(annotation.model_fields)}"
    bounds = _bounds(metadata)
    words = _WORDS[annotation]
    return f"{words} {bounds}" if bounds else words


_WORDS: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    date: "a date such as 2026-11-25",
}
_PLURALS: Mapping[Any, str] = {int: "whole numbers", float: "numbers", str: "texts", Path: "paths"}


def _bounds(metadata: Sequence[Any]) -> str:
    """The limits among a key's metadata, in words."""
    parts: list[str] = []
    for item in _flat(metadata):
        match item:
            case annotated_types.Ge(ge=bound):
                parts.append(f"of at least {bound}")
            case annotated_types.Gt(gt=bound):
                parts.append(f"above {bound}")
            case annotated_types.Le(le=bound):
                parts.append(f"at most {bound}")
            case annotated_types.Lt(lt=bound):
                parts.append(f"below {bound}")
            case annotated_types.MinLen(min_length=length):
                parts.append(f"of at least {length} character{'s' if length > 1 else ''}")
            case _ if (pattern := getattr(item, "pattern", None)) is not None:
                parts.append(f"that matches {pattern}")
    return " and ".join(parts)


def _flat(metadata: Sequence[Any]) -> Iterator[Any]:
    """Metadata with each `Field(...)` of a nested annotation opened into what it carries."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from item.metadata
        else:
            yield item


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return REQUIRED
    default = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(default, BaseModel):
        return ""
    text = write_document(list(default) if isinstance(default, tuple) else default)
    return text.removesuffix("...\n").strip()


def _code(default: str) -> str:
    return default if default in ("", REQUIRED) else f"`{default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
