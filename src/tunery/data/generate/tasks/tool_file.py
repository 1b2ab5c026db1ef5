"""The file in which a user lists tools."""

from __future__ import annotations

import json
from pathlib import Path

from tunery.data.checks.tool_list import STRICT_JSON, read_tools
from tunery.errors import DataError, NotFoundError


def read_tool_file(path: Path) -> tuple[list[dict[str, object]], list[str]]:
    """The tools and their names.

    Args:
        path: JSON file with OpenAI's `tools` list, or an object with it under "tools". Entries
            may be functions without the envelope {"type": "function", "function": …}.

    Raises:
        NotFoundError: There is no such file.
        DataError: It holds no list of tools, or a tool without a name or with a bad schema.
    """
    try:
        value = STRICT_JSON.decode(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise NotFoundError(f"There is no {path}.", "Check --tools.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} is no JSON that can be read ({error}).", "Check --tools."
        ) from None
    listed = value.get("tools") if isinstance(value, dict) else value
    if not isinstance(listed, list) or not listed:
        raise DataError(
            f"{path} holds no tools; expected a list of them.",
            'Write [{"type": "function", "function": {"name": …, "parameters": {…}}}].',
        )
    read = read_tools(json.dumps(listed))
    if read.faults:
        raise DataError(f"{path}: {read.faults[0].message}.", read.faults[0].hint)
    return [_in_envelope(tool) for tool in listed], list(read.validators)


def _in_envelope(tool: dict[str, object]) -> dict[str, object]:
    return tool if "function" in tool else {"type": "function", "function": tool}
