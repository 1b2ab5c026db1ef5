"""A prompt and its completion, as the turns of a conversation."""

from __future__ import annotations

from tunery.data.conversation import Message
from tunery.data.findings import Finding, Place


def turns_of_pair(prompt: str, completion: str, system: str = "") -> tuple[Message, ...]:
    """The system prompt if there is one, the user's turn if there is one, and the answer.

    An empty prompt is allowed: such a row teaches to write freely.
    """
    turns = [Message("system", system)] if system.strip() else []
    if prompt:
        turns.append(Message("user", prompt))
    return (*turns, Message("assistant", completion))


def empty_completion(name: str, place: Place) -> Finding:
    """The finding for a row whose completion is empty.

    Args:
        name: What the user calls the completion: a key or a column, in quotes.
        place: Where the row stands.
    """
    return place.found(
        "pair.empty_completion",
        f"{name} is empty; expected an answer to learn",
        "Write the answer, or remove the row.",
    )
