"""Data that a chat template cannot render, turned into rows of plain text turns.

All sides get the same text, so it does not matter that a model was never trained on such a form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunery.errors import DataError, NotFoundError

TOOLS = """\
{system}

You can call the functions below. Each line between the tags is one function as a JSON object.
<tools>
{tools}
</tools>
To call a function, answer with its name and arguments as a JSON object between tags:
<tool_call>{{"name": "the function's name", "arguments": {{"its": "arguments"}}}}</tool_call>"""
"""The system prompt of a row with tools, in the manner of the Hermes models."""

Row = dict[str, Any]
"""A chat row whose turns have a role and a content."""


def read_tool_calls(path: Path) -> list[Row]:
    """Reads chat JSONL with tools: they go into the system prompt, calls into the answers.

    Raises:
        NotFoundError: The file is not there.
        DataError: A line is no such row.
    """
    return [
        _converted(path, f"line {number}", json.loads, line, _tool_row)
        for number, line in enumerate(_read(path).splitlines(), start=1)
        if line.strip()
    ]


def read_alpaca(path: Path) -> list[Row]:
    """Reads a JSON list of objects with instruction, input and output.

    Raises:
        NotFoundError: The file is not there.
        DataError: It is no such list.
    """
    items = _converted(path, "the file", json.loads, _read(path), list)
    return [
        _converted(path, f"item {number}", dict, item, _alpaca_row)
        for number, item in enumerate(items, start=1)
    ]


def _read(path: Path) -> str:
    if not path.is_file():
        raise NotFoundError(
            f"There is no file {path}.", "See benchmarks/README.md for where the data sets are."
        )
    return path.read_text("utf-8")


def _converted(
    path: Path,
    place: str,
    parse: Callable[[Any], Any],
    given: Any,
    convert: Callable[[Any], Any],
) -> Any:
    """One conversion, whose failure names the file and the place in it."""
    try:
        return convert(parse(given))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}, {place}: not a row of the form that was expected: {error!r}.",
            "Get the file again; benchmarks/README.md says where it comes from.",
        ) from error


def _tool_row(row: Mapping[str, Any]) -> Row:
    tools = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in row["tools"])
    turns = row["messages"]
    if turns[0]["role"] != "system":
        turns = [{"role": "system", "content": "You call functions."}, *turns]
    system = TOOLS.format(system=turns[0]["content"], tools=tools)
    said = [{"role": turn["role"], "content": _content(turn)} for turn in turns[1:]]
    return {"messages": [{"role": "system", "content": system}, *said]}


def _content(turn: Mapping[str, Any]) -> str:
    """The turn's text, followed by a line for each call in it."""
    text = turn.get("content") or ""
    calls = [_call(call["function"]) for call in turn.get("tool_calls") or ()]
    return "\n".join([*([text] if text else []), *calls])


def _call(function: Mapping[str, Any]) -> str:
    call = {"name": function["name"], "arguments": json.loads(function["arguments"])}
    return f"<tool_call>{json.dumps(call, ensure_ascii=False)}</tool_call>"


def _alpaca_row(item: Mapping[str, Any]) -> Row:
    asked = "\n\n".join(part for part in (item["instruction"], item.get("input")) if part)
    turns = [("user", asked), ("assistant", item["output"])]
    return {"messages": [{"role": role, "content": content} for role, content in turns]}
