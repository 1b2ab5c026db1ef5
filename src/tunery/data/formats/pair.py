"""A prompt and its completion, as the turns of a conversation."""

from __future__ import annotations

from tunery.data.conversation import Message


def turns_of_pair(prompt: str, completion: str, system: str = "") -> tuple[Message, ...]:
    """The system prompt if there is one, the user's turn if there is one, and the answer.

    An empty prompt is allowed: such a row teaches to write freely.
    """
    answer = Message("assistant", completion)
    turns = (Message("user", prompt), answer) if prompt else (answer,)
    return (*system_turn(system), *turns) if system else turns


def system_turn(system: str) -> tuple[Message, ...]:
    """The system prompt as a turn; none if it is blank."""
    return (Message("system", system),) if system.strip() else ()
