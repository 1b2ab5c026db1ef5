"""How a model's chat template speaks of tools, found out by asking it.

Names in a template's source prove nothing. Made-up tools, calls and results are rendered, and
what comes out decides: either the template writes all of them itself, or `tool_text` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tunery.errors import UserError
from tunery.models import exact_json

Render = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]] | None, bool], str]
"""Turns, tools and whether to ask for an answer, to text; raises `UserError` if refused."""

SHORT_ID = "call{:05}"
"""Nine letters and digits: all that Mistral's templates take as the id of a call."""

_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "probe_tool",
            "description": "probe_purpose",
            "parameters": {
                "type": "object",
                "properties": {"probe_key": {"type": "string"}},
                "required": ["probe_key"],
            },
        },
    }
]
_ASK = {"role": "user", "content": "probe_question"}


@dataclass(frozen=True, slots=True)
class ToolStyle:
    """What a template can do with tools.

    Attributes:
        native: The template writes tools, calls and results; if not, `tool_text` does.
        reason: One sentence for people: which way, and why.
        arguments: What the template takes as arguments: a JSON object, or its text.
        short_ids: It takes only ids like `SHORT_ID`.
        several: It writes several calls of one turn.
        system: It takes a system turn.
    """

    native: bool
    reason: str
    arguments: Literal["object", "text"] = "object"
    short_ids: bool = False
    several: bool = True
    system: bool = True


def find_style(render: Render) -> ToolStyle:
    """Asks a template.

    Args:
        render: Renders with it.
    """
    told = _rendered(render, [_ASK], _TOOLS)
    if not all(word in told for word in ("probe_tool", "probe_purpose", "probe_key")):
        return _as_text(render, "does not write tools")
    for short_ids in (False, True):
        for arguments in ("object", "text"):
            style = ToolStyle(True, "", arguments, short_ids)
            if _writes_call(_rendered(render, _turns(style, ["probe_call"]), _TOOLS)):
                return _native(render, style)
    return _as_text(render, "writes tools, but not the calls of earlier turns and their results")


def _as_text(render: Render, why: str) -> ToolStyle:
    system = bool(_rendered(render, [{"role": "system", "content": "probe_system"}, _ASK], None))
    return ToolStyle(
        native=False,
        reason=f"Tools are written as text, tools and calls as JSON between tags: the model's chat "
        f"template {why}.",
        system=system,
    )


def _native(render: Render, style: ToolStyle) -> ToolStyle:
    two = _rendered(render, _turns(style, ["probe_call", "probe_second"]), _TOOLS)
    several = "probe_call" in two and "probe_second" in two
    notes = [
        *(["arguments as text"] if style.arguments == "text" else []),
        *(["ids of calls renamed"] if style.short_ids else []),
        *([] if several else ["one call a turn"]),
    ]
    return ToolStyle(
        native=True,
        reason="Tools are written by the model's own chat template, which has a form for tools, "
        f"calls and results{' (' + ', '.join(notes) + ')' if notes else ''}.",
        arguments=style.arguments,
        short_ids=style.short_ids,
        several=several,
    )


def _rendered(
    render: Render,
    turns: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] | None,
) -> str:
    """The text; empty if the template refuses."""
    try:
        return render(turns, tools, True)
    except UserError:
        return ""


def _turns(style: ToolStyle, names: Sequence[str]) -> list[dict[str, Any]]:
    value = {"probe_argument": "probe_value", "probe_number": 1.5}
    arguments = exact_json.write(value) if style.arguments == "text" else value
    ids = [SHORT_ID.format(n) if style.short_ids else f"probe_id_{n}" for n in range(len(names))]
    calls = [
        {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id_, name in zip(ids, names, strict=True)
    ]
    results = [
        {"role": "tool", "tool_call_id": id_, "name": name, "content": "probe_result"}
        for id_, name in zip(ids, names, strict=True)
    ]
    return [_ASK, {"role": "assistant", "content": "", "tool_calls": calls}, *results]


def _writes_call(text: str) -> bool:
    """Whether name, arguments and result are there, the arguments neither Python nor escaped."""
    needed = ("probe_call", "probe_argument", "probe_value", "1.5", "probe_result")
    return all(word in text for word in needed) and not any(
        wrong in text for wrong in ("'probe_argument'", '\\"probe_argument')
    )
