"""The tools that a row offers: OpenAI's `tools`, or the older `functions`."""

from __future__ import annotations

from tunery.data.findings import Finding, Place
from tunery.data.formats.json_text import json_text, parsed
from tunery.data.wording import kind_of

TOOL_KEYS = ("tools", "functions", "parallel_tool_calls")


def read_tools(value: dict[str, object], place: Place, findings: list[Finding]) -> str:
    """The JSON text of the row's tools; empty if there are none, or if a finding says why.

    The list may stand as JSON text, as in tables. Entries that are a bare function (`functions`,
    ShareGPT, OpenAI's Responses) get the frame that Chat Completions puts around it.

    Args:
        value: The row, or the object in it that has the tools.
        place: Where the row stands.
        findings: Takes what is wrong.
    """
    key = tool_keys(value)[0]
    listed = value.get(key)
    if isinstance(listed, str):
        listed = parsed(listed) if listed.strip() else None
        if listed is None and str(value[key]).strip():
            findings.append(_not_list(key, "a text that is not JSON", place))
            return ""
    if listed is None or listed == []:
        return ""
    if not isinstance(listed, list):
        findings.append(_not_list(key, kind_of(listed), place))
        return ""
    if others := [tool for tool in listed if not isinstance(tool, dict)]:
        findings.append(_not_list(key, f"a list that holds {kind_of(others[0])}", place))
        return ""
    text = json_text([_framed(tool) for tool in listed])
    if text is None:
        findings.append(_not_list(key, "a list with a number that JSON does not have", place))
    return text or ""


def read_parallel(value: dict[str, object], place: Place, findings: list[Finding]) -> bool | None:
    """Whether one turn may hold several calls; None if the row is silent.

    Args:
        value: The row, or the object in it that has the tools.
        place: Where the row stands.
        findings: Takes what is wrong.
    """
    parallel = value.get("parallel_tool_calls")
    if parallel is None or isinstance(parallel, bool):
        return parallel
    findings.append(
        place.found(
            "chat.parallel_not_bool",
            f"parallel_tool_calls is {kind_of(parallel)}; expected true or false",
            "Write true or false without quotes, or leave the key out.",
        )
    )
    return None


def tool_keys(value: dict[str, object]) -> tuple[str, ...]:
    """The keys that are read of this row: `functions` only where there are no `tools`."""
    return ("functions" if value.get("tools") is None else "tools", "parallel_tool_calls")


def _framed(tool: dict[str, object]) -> dict[str, object]:
    if "function" in tool or "name" not in tool:
        return tool
    bare = {key: held for key, held in tool.items() if key != "type" or held != "function"}
    return {"type": "function", "function": bare}


def _not_list(key: str, what: str, place: Place) -> Finding:
    return place.found(
        "chat.tools_not_list",
        f"{key} is {what}; expected a list of objects",
        'Write "tools": [{"type": "function", "function": {"name": …, "parameters": …}}].',
    )
