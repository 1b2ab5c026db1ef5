"""What the schema finds wrong with a configuration, as sentences.

Each sentence names the key, what was given and what the key takes; for a key that is not known,
the nearest one that is.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from tunery.config.document import KeyPath, dotted
from tunery.config.reference import describe, expected, section_of

SHOWN_VALUE = 60
"""Longest value, in characters, that a sentence repeats in full."""


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One thing that the schema refuses.

    Attributes:
        path: Of the key; of the section that lacks it where it is missing.
        text: The sentence.
    """

    path: KeyPath
    text: str


def explain(error: ValidationError, model: type[BaseModel]) -> list[SchemaProblem]:
    """All that a validation refused, one problem a key.

    Args:
        error: What pydantic raised for `model`.
        model: The whole configuration.
    """
    problems: dict[KeyPath, SchemaProblem] = {}
    for item in error.errors(include_url=False):
        path, owner, info = _locate(item["loc"], model)
        if item["type"] == "missing":
            text = f"{dotted(path)} is missing, expected {_needed(info)}"
            problem = SchemaProblem(path[:-1], text)
        elif item["type"] == "extra_forbidden":
            problem = SchemaProblem(path, _unknown(path, owner, model))
        else:
            problem = SchemaProblem(path, _misfit(path, item["input"], info, item["msg"]))
        # the alternatives of a union each complain about the same key
        problems.setdefault(path, problem)
    return list(problems.values())


def _locate(
    loc: Sequence[str | int], model: type[BaseModel]
) -> tuple[KeyPath, type[BaseModel], FieldInfo | None]:
    """The key that a location names, its section and its description.

    pydantic puts the alternative of a union behind the key: ("data", "validation", "float").
    """
    owner = model
    info: FieldInfo | None = None
    for depth, part in enumerate(loc):
        if isinstance(part, int):
            return tuple(loc[: depth + 1]), owner, info
        info = owner.model_fields.get(part)
        section = section_of(info.annotation) if info else None
        following = loc[depth + 1] if depth + 1 < len(loc) else None
        if section is None and not isinstance(following, int):
            return tuple(loc[: depth + 1]), owner, info
        owner = section or owner
    return tuple(loc), owner, info


def _needed(info: FieldInfo | None) -> str:
    if info is None:
        return "a value"
    about = " ".join((info.description or "").split()).rstrip(".")
    return f"{expected(info)} ({about})" if about else expected(info)


def _misfit(path: KeyPath, given: Any, info: FieldInfo | None, message: str) -> str:
    name = dotted(path)
    if info is None:
        return f"{name or 'the file'} is {show(given)}: {message}"
    if isinstance(path[-1], int):
        name_of_list = dotted(path[:-1])
        return f"{name} is {show(given)}, but {name_of_list} takes {expected(info)}"
    return f"{name} is {show(given)}, expected {expected(info)}"


def _unknown(path: KeyPath, owner: type[BaseModel], model: type[BaseModel]) -> str:
    """The sentence for a key that its section does not have."""
    section, name = dotted(path[:-1]), str(path[-1])
    place = section or "the configuration"
    nearest = nearest_key(name, section, owner, model)
    if nearest:
        advice = f"did you mean {nearest}?"
    else:
        advice = f"its keys are {', '.join(owner.model_fields)}"
    return f"{dotted(path)} is not a key of {place}; {advice}"


def nearest_key(
    name: str, section: str, owner: type[BaseModel], model: type[BaseModel]
) -> str | None:
    """The key that somebody who wrote `name` in `section` most likely meant.

    Looked for among the section's own keys by spelling and by initials (`lr` for
    `learning_rate`), then among all keys, because a key in the wrong section is a common slip.
    """
    prefix = f"{section}." if section else ""
    own = list(owner.model_fields)
    if close := difflib.get_close_matches(name, own, n=1, cutoff=0.6):
        return prefix + close[0]
    by_initials = [key for key in own if "".join(w[:1] for w in key.split("_")) == name]
    if by_initials:
        return prefix + by_initials[0]
    everywhere = {key.path.rpartition(".")[2]: key.path for key in reversed(describe(model))}
    close = difflib.get_close_matches(name, list(everywhere), n=1, cutoff=0.75)
    if close:
        return everywhere[close[0]]
    by_initials = [
        path for key, path in everywhere.items() if "".join(w[:1] for w in key.split("_")) == name
    ]
    return by_initials[-1] if by_initials else None


def show(value: Any) -> str:
    """A value as a sentence repeats it: as YAML has it, and not too long."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a section"
    text = repr(value)
    return text if len(text) <= SHOWN_VALUE else f"{text[: SHOWN_VALUE - 1]}…"
