"""The tools that a row offers, read once for each distinct list."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from tunery.data.findings import Finding, Place
from tunery.data.wording import kind_of, quote

# Patterns of schemas are the user's: a match that backtracks too often is given up.
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000)
_KEPT_LISTS = 512  # distinct tool lists of a file whose schemas stay compiled


class _NotJson(ValueError):
    """Python's parser takes NaN and Infinity, JSON does not have them."""


def _refuse(name: str) -> None:
    raise _NotJson(f"{name} is not JSON")


STRICT_JSON = json.JSONDecoder(parse_constant=_refuse)
"""Reads JSON as the standard has it. Raises ValueError, or RecursionError for deep nesting."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a tool list, whatever the row.

    Attributes:
        code: Key of `findings.CODES`.
        message: What was found and what was expected.
        hint: What to do.
    """

    code: str
    message: str
    hint: str

    def at(self, place: Place) -> Finding:
        """The same as a finding about the row there."""
        return place.found(self.code, self.message, self.hint)


@dataclass(frozen=True, slots=True)
class ToolList:
    """What can be called.

    Attributes:
        validators: For each tool's name what judges its arguments; None if any object will do.
        faults: What is wrong with the list.
    """

    validators: MappingProxyType[str, jsonschema_rs.Validator | None]
    faults: tuple[Fault, ...] = ()


@lru_cache(maxsize=_KEPT_LISTS)
def read_tools(text: str) -> ToolList:
    """Reads and compiles OpenAI's `tools` list; never fetches what a schema refers to.

    Args:
        text: JSON text of the list; empty if there is none.
    """
    if not text:
        return ToolList(MappingProxyType({}))
    try:
        tools = STRICT_JSON.decode(text)
    except (ValueError, RecursionError):
        tools = None
    if not isinstance(tools, list):
        fault = Fault(
            "tools.not_list",
            "the tools are not a list; expected a list of tools",
            'Write "tools": [{"type": "function", "function": {"name": …}}].',
        )
        return ToolList(MappingProxyType({}), (fault,))
    validators: dict[str, jsonschema_rs.Validator | None] = {}
    faults: list[Fault] = []
    names: Counter[str] = Counter()
    for number, tool in enumerate(tools, start=1):
        function = tool.get("function", tool) if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not name.strip():
            faults.append(_nameless(number, tool))
            continue
        names[name] += 1
        validator, bad = _validator(name, function.get("parameters"))
        validators.setdefault(name, validator)
        faults += [bad] if bad else []
    faults += [_twice(name, times) for name, times in names.items() if times > 1]
    return ToolList(MappingProxyType(validators), tuple(faults))


def _nameless(number: int, tool: object) -> Fault:
    what = "has no name" if isinstance(tool, dict) else f"is {kind_of(tool)}"
    return Fault(
        "tools.no_name",
        f"tool {number} {what}; expected a function with a name",
        'Write it as {"type": "function", "function": {"name": …, "parameters": {…}}}.',
    )


def _twice(name: str, times: int) -> Fault:
    return Fault(
        "tools.duplicate_name",
        f"{times} tools have the name {quote(name)}; expected each name once",
        "Keep one of them, or give them names that differ.",
    )


def _validator(name: str, parameters: Any) -> tuple[jsonschema_rs.Validator | None, Fault | None]:
    """What judges the arguments, or why nothing can; a tool without parameters takes any."""
    if parameters is None:
        return None, None
    if not isinstance(parameters, dict):
        return None, _bad_schema(name, f"are {kind_of(parameters)}")
    try:
        compiled = jsonschema_rs.validator_for(
            parameters, offline=True, pattern_options=_PATTERNS, mask="the value"
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        return None, _bad_schema(name, f"are not a JSON schema: {_shown(error)}")
    except (ValueError, RecursionError):  # half characters, deep nesting
        return None, _bad_schema(name, "are not a JSON schema that can be read")
    return compiled, None


def _shown(error: Exception) -> str:
    message = getattr(error, "message", None)
    return quote(message if isinstance(message, str) else str(error)).strip('"')


def _bad_schema(name: str, what: str) -> Fault:
    return Fault(
        "tools.bad_parameters",
        f"the parameters of the tool {quote(name)} {what}; expected a JSON schema of an object",
        "Correct the schema; calls of this tool were not compared with it.",
    )
