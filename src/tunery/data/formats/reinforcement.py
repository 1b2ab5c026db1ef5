"""OpenAI's reinforcement format: `messages` that end before the answer, and what graders read.

Every key of a row that is not part of the request is the grader's: `item.KEY` in OpenAI's words.
"""

from __future__ import annotations

from tunery.data.findings import Place
from tunery.data.formats.chat import messages_of
from tunery.data.formats.json_text import json_text
from tunery.data.formats.row import Row, row_of
from tunery.data.formats.tool_list import read_parallel, read_tools, tool_keys
from tunery.data.records import Reinforcement


def read_row(value: dict[str, object], place: Place) -> Row:
    """One row of a reinforcement file.

    Args:
        value: The object.
        place: Where it stands.
    """
    turns = messages_of(value, place)
    findings = list(turns.findings)
    tools = read_tools(value, place, findings)
    parallel = read_parallel(value, place, findings)
    if turns.roles and turns.roles[-1] == "assistant":
        findings.append(
            place.found(
                "reinforcement.ends_with_answer",
                "the last message is the assistant's; expected the prompt, which the model answers",
                "Remove the answer, or put it under a key of its own for the grader.",
            )
        )
    used = ("messages", *tool_keys(value))
    item = {key: held for key, held in value.items() if key not in used}
    text = json_text(item)
    if text is None:
        findings.append(
            place.found(
                "reinforcement.item_not_json",
                "a key of the row holds a number that JSON does not have; expected JSON",
                "Replace NaN and Infinity by null or a number.",
            )
        )
    if not item:
        findings.append(
            place.found(
                "reinforcement.no_item",
                "the row has nothing but messages; expected keys that a grader compares with",
                "Nothing to do if the grader needs only the answer.",
            )
        )
    record = Reinforcement(turns.messages, text or "", place.file, place.line, tools, parallel)
    return row_of(place, record, findings, turns.once)


def looks_like(value: dict[str, object]) -> bool:
    """Whether the row asks for an answer and has something to judge it by."""
    messages = value.get("messages")
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        return False
    used = ("messages", "tools", "functions", "parallel_tool_calls")
    judged = any(held is not None and key not in used for key, held in value.items())
    return messages[-1].get("role") == "user" and judged
