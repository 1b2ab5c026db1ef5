"""All formats, in the order in which a row is tried against them."""

from __future__ import annotations

from tunery.config.data import FormatName
from tunery.data.formats import chat, prompt_completion
from tunery.data.formats.format import Format

FORMATS: dict[FormatName, Format] = {
    "chat": Format("chat", ("messages",), lambda row: "messages" in row, lambda _: chat.read_row),
    "prompt_completion": Format(
        "prompt_completion",
        ("prompt", "completion"),
        lambda row: "completion" in row,
        lambda _: prompt_completion.read_row,
    ),
}
