"""A row as a person can see what is trained: its text in runs of tokens of one use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from tunery.data.conversation import Conversation
from tunery.errors import TuneryError
from tunery.models.chat_template import ChatTemplate

Use = Literal["trained", "context", "left_out"]
"""What a token is for: it is learned; it is read; it is an answer that weight 0 leaves out."""

MOST_BYTES = 8
"""Most tokens that one character may be spread over, before its pieces are shown as they are."""


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring tokens of one use.

    Attributes:
        use: What they are for.
        control: Whether they are control tokens.
        texts: Their texts; a character that is spread over several tokens makes one text.
    """

    use: Use
    control: bool
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row, rendered.

    Attributes:
        place: File and line.
        tokens: How many it has.
        trained: How many of them are trained.
        runs: All of them, in order.
        refused: Why the template cannot render it; empty if it can.
    """

    place: str
    tokens: int
    trained: int
    runs: tuple[Run, ...]
    refused: str = ""


def show_row(conversation: Conversation, template: ChatTemplate) -> ShownRow:
    """What `ChatTemplate.row` makes of a conversation."""
    try:
        row = template.row(conversation)
    except TuneryError as error:
        return ShownRow(conversation.place, 0, 0, (), error.message)
    uses = _uses(row.ids, row.weights, conversation, template)
    tokens = list(_texts(row.ids, uses, template.tokenizer))
    runs = tuple(
        Run(use, control, tuple(text for _, _, text in group))
        for (use, control), group in groupby(tokens, key=lambda token: token[:2])
    )
    return ShownRow(conversation.place, len(row.ids), row.supervised, runs)


def _uses(
    ids: Sequence[int],
    weights: Sequence[float],
    conversation: Conversation,
    template: ChatTemplate,
) -> list[Use]:
    """What each token is for; a turn of weight 0 is found by training it too."""
    learned: Sequence[float] = weights
    if any(message.weight == 0 for message in conversation.messages):
        messages = tuple(replace(message, weight=None) for message in conversation.messages)
        try:
            everything = template.row(replace(conversation, messages=messages))
            learned = everything.weights if everything.ids == ids else weights
        except TuneryError:
            pass  # the turn is context that the template rewrites, so it is shown as context
    return [
        "trained" if weight else "left_out" if all_ else "context"
        for weight, all_ in zip(weights, learned, strict=True)
    ]


def _texts(
    ids: Sequence[int], uses: Sequence[Use], tokenizer: Any
) -> Iterator[tuple[Use, bool, str]]:
    control = set(tokenizer.added_tokens_decoder)
    before: list[int] = []
    group: list[int] = []
    for index, (token, use) in enumerate(zip(ids, uses, strict=True)):
        group.append(token)
        # Some tokenizers drop the space of a first word, so a word is read behind another.
        text = _decoded(tokenizer, before + group)[len(_decoded(tokenizer, before)) :]
        ends = index + 1 == len(ids) or uses[index + 1] != use or ids[index + 1] in control
        if text.endswith("\ufffd") and len(group) < MOST_BYTES and not ends:
            continue
        yield use, token in control, text
        before = group if token not in control else []
        group = []


def _decoded(tokenizer: Any, ids: list[int]) -> str:
    text: str = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    return text
