"""Records as Alpaca rows: `instruction`, `input`, `output`, with `system` and `history`."""

from __future__ import annotations

from tunery.data.conversation import Conversation, Message
from tunery.data.convert.target import CannotHoldError, Object, Writer, Writers
from tunery.data.records import Preference


def _conversation(record: Conversation) -> Object:
    _refuse_tools(record)
    texts = _texts(record.messages)
    system, prompts = _parted(texts)
    if not prompts or prompts[-1][0] != "assistant":
        raise CannotHoldError("the row does not end with an answer")
    *earlier, (prompt, output) = _pairs(prompts)
    row: Object = {"instruction": prompt, "input": "", "output": output}
    if system:
        row["system"] = system
    if earlier:
        row["history"] = [list(pair) for pair in earlier]
    return row


def _preference(record: Preference) -> Object:
    _refuse_tools(record)
    system, prompts = _parted(_texts(record.prompt))
    if [role for role, _ in prompts] != ["user"]:
        raise CannotHoldError("Alpaca has one turn of the user's before the answers")
    chosen, rejected = _texts(record.chosen), _texts(record.rejected)
    if len(chosen) > 1 or len(rejected) > 1:
        raise CannotHoldError("an answer has several turns, and Alpaca has one")
    row: Object = {"instruction": prompts[0][1], "input": ""}
    if system:
        row["system"] = system
    return {**row, "chosen": chosen[0][1], "rejected": rejected[0][1]}


def _refuse_tools(record: Conversation | Preference) -> None:
    if record.tools or record.parallel_tool_calls is not None:
        raise CannotHoldError("Alpaca has no tools")


def _texts(messages: tuple[Message, ...]) -> list[tuple[str, str]]:
    """Role and text of each turn, if that is all it has."""
    for message in messages:
        if message.tool_calls or message.role == "tool":
            raise CannotHoldError("Alpaca has no calls of tools")
        if message.name:
            raise CannotHoldError("Alpaca has no names of speakers")
        if message.role == "assistant" and not message.loss_weight:
            raise CannotHoldError("an answer has weight 0, and Alpaca has no weights")
        if message.role == "developer":
            raise CannotHoldError("Alpaca has no developer role")
    return [(message.role, message.content) for message in messages]


def _parted(texts: list[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """The system prompt before all turns, and the turns."""
    first = texts[0][1] if texts and texts[0][0] == "system" else ""
    turns = texts[1:] if first else texts
    if any(role == "system" for role, _ in turns):
        raise CannotHoldError("Alpaca has one system prompt, before all turns, with a text")
    return first, turns


def _pairs(turns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Question and answer; the question is empty where two answers follow each other."""
    pairs: list[tuple[str, str]] = []
    asked = ""
    for role, text in turns:
        if role == "assistant":
            pairs.append((asked, text))
            asked = ""
        elif asked:
            raise CannotHoldError("turns of the user's follow each other, and Alpaca has pairs")
        else:
            asked = text
    return pairs


WRITERS: Writers = {
    "sft": Writer(_conversation, "alpaca"),
    "preference": Writer(_preference, "alpaca_preference"),
}
