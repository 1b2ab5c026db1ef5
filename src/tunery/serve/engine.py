"""The seam between those who ask a model and whatever answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tunery.data.conversation import Conversation, Prompt

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next tokens are chosen.

    Attributes:
        max_tokens: At most this many new tokens; None means as many as the context holds.
        temperature: 0 takes the most likely token each time.
        top_p: Share of probability mass that is kept before sampling (nucleus sampling,
            Holtzman et al. 2020).
        stop: Texts that end the answer; they are not part of it.
        seed: Makes sampling repeatable; None takes a fresh one.
    """

    max_tokens: int | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One whole answer.

    Attributes:
        text: The answer without special tokens.
        finish_reason: "stop" if the model ended it, "length" if a limit cut it.
        prompt_tokens: Tokens of the rendered prompt.
        completion_tokens: Tokens generated, the end token included.
    """

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer that is still being written.

    Attributes:
        text: New text, possibly empty.
        completion: The whole answer, on the last piece only.
    """

    text: str
    completion: Completion | None = None


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that an engine answers for.

    Attributes:
        name: What a request calls it.
        base: Name of the model below it; its own name for a base model.
        created: Unix time in seconds.
    """

    name: str
    base: str
    created: int


class Engine(Protocol):
    """Whatever answers. Calls may come from several threads at once.

    An unknown model raises `NotFoundError`; a prompt longer than the context raises `UserError`.
    """

    def models(self) -> list[ServedModel]:
        """The models that this engine answers for, base models first."""
        ...

    def generate(
        self, model: str, prompts: Sequence[Prompt], sampling: Sampling
    ) -> list[Completion]:
        """Answers all prompts, in their order, as one batch."""
        ...

    def stream(self, model: str, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        """Answers one prompt piece by piece; the last piece carries the whole `Completion`."""
        ...

    def written(self, model: str, conversation: Conversation) -> str:
        """The last assistant turn as the model would write it, its tool calls included.

        A turn that the model has no form for raises `UserError`.
        """
        ...
