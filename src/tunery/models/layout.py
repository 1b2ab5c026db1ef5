"""How a chat template lays out conversations of one shape: constant text with places for contents.

Rendering a template takes some hundred microseconds a turn. Conversations with the same roles are
laid out alike, so one of them is rendered with stand-ins for its contents, and the others are put
together from its constant pieces. `watched_text` tells for which contents that holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import TemplateError
from transformers.utils.chat_template_utils import _compile_jinja_template

from tunery.data.conversation import Conversation
from tunery.errors import TuneryError
from tunery.models.chat_template import FIXED, ChatTemplate
from tunery.models.watched_text import LooksInsideError, Test, Watch, WatchedText

EDGE = "\n \n"
"""What stands on both sides of a stand-in, so that it shows how it was trimmed."""

_STAND_IN = re.compile("(\n \n| \n|)\uf8f0qz([0-9]+)\uf8f1(\n \n|\n |)")
_LEFT: dict[str, str | None] = {EDGE: "", " \n": "\n", "": None}
_RIGHT: dict[str, str | None] = {EDGE: "", "\n ": "\n", "": None}
_TRACES = re.compile("[\uf8f0\uf8f1]|qz[0-9]")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a message's content.

    Attributes:
        message: Whose content, as an index into the messages.
        left: What is trimmed from its left side: "" nothing, None white space, else these.
        right: What is trimmed from its right side.
    """

    message: int
    left: str | None = ""
    right: str | None = ""

    def fill(self, content: str) -> str:
        """The content as the template writes it."""
        if self.left != "":
            content = content.lstrip(self.left)
        return content.rstrip(self.right) if self.right != "" else content


@dataclass(frozen=True, slots=True)
class SlotPiece:
    """A piece of `ChatTemplate.segments` with places for contents.

    Attributes:
        parts: Constant texts and slots, in order.
        weight: Loss weight of its tokens.
        is_token: Whether it is one control token.
    """

    parts: tuple[str | Slot, ...]
    weight: float
    is_token: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it has a place for a content."""
        return any(isinstance(part, Slot) for part in self.parts)

    def fill(self, contents: Sequence[str]) -> str:
        """The piece with contents of messages in their places."""
        return "".join(
            [
                part if isinstance(part, str) else part.fill(contents[part.message])
                for part in self.parts
            ]
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """How conversations of one shape become pieces of text.

    Attributes:
        pieces: In order.
        tests: The layout holds for contents for which all of these are untrue.
        refused: Why it holds for no content; empty if it does.
    """

    pieces: tuple[SlotPiece, ...] = ()
    tests: tuple[Test, ...] = ()
    refused: str = ""


def lay_out(template: ChatTemplate, conversation: Conversation) -> Layout:
    """The layout of all conversations with the roles, weights and tools of this one.

    A message whose content is empty stays empty in the layout; what is said here is about
    contents that are neither empty nor blank and hold no control token.

    Args:
        template: The template.
        conversation: Without tool calls.
    """
    stand_ins = [
        f"{EDGE}\uf8f0qz{index}\uf8f1{EDGE}" if message.content else ""
        for index, message in enumerate(conversation.messages)
    ]
    messages = [
        replace(message, content=text)
        for message, text in zip(conversation.messages, stand_ins, strict=True)
    ]
    watch = Watch()
    try:
        _watch(template, conversation, stand_ins, watch)
        segments = template.segments(replace(conversation, messages=tuple(messages)))
    except LooksInsideError:
        return Layout(refused="the chat template looks inside the texts")
    except (TemplateError, TuneryError, TypeError, ValueError):
        return Layout(refused="the chat template refuses stand-ins for texts")
    pieces = tuple(
        SlotPiece(_parts(piece.text), piece.weight, piece.token_id is not None)
        for piece in segments
    )
    slots = [part for piece in pieces for part in piece.parts if isinstance(part, Slot)]
    trims = {trim for slot in slots for trim in (slot.left, slot.right)} - {""}
    constants = [part for piece in pieces for part in piece.parts if isinstance(part, str)]
    if not trims <= watch.trims or any(_TRACES.search(text) for text in constants):
        return Layout(refused="the chat template changes the texts")
    return Layout(pieces, tuple(sorted(watch.tests)))


def _watch(
    template: ChatTemplate, conversation: Conversation, stand_ins: Sequence[str], watch: Watch
) -> None:
    """Renders what `segments` renders, with texts that note what is asked of them."""
    render: Callable[..., str] = _compile_jinja_template(template.tokenizer.chat_template).render
    turns: list[dict[str, Any]] = []
    tools = json.loads(conversation.tools) if conversation.tools else None
    fixed = {**template.tokenizer.special_tokens_map, **FIXED}
    for message, text in zip(conversation.messages, stand_ins, strict=True):
        role = "system" if message.role == "developer" else message.role
        watched = WatchedText(text).watched_by(watch) if text else ""
        if role == "assistant":
            render(messages=turns, tools=tools, documents=None, add_generation_prompt=True, **fixed)
        turns.append({"role": role, "content": watched})
        if role == "assistant":
            render(
                messages=turns, tools=tools, documents=None, add_generation_prompt=False, **fixed
            )


def _parts(text: str) -> tuple[str | Slot, ...]:
    parts: list[str | Slot] = []
    at = 0
    for found in _STAND_IN.finditer(text):
        if found.start() > at:
            parts.append(text[at : found.start()])
        parts.append(Slot(int(found[2]), _LEFT[found[1]], _RIGHT[found[3]]))
        at = found.end()
    if at < len(text):
        parts.append(text[at:])
    return tuple(parts)
