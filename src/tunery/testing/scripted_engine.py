"""An engine whose answers are written in advance."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from tunery.data.conversation import Conversation, Message, Prompt, as_conversation
from tunery.errors import NotFoundError, UserError
from tunery.models.tool_text import as_plain
from tunery.serve.engine import Completion, Delta, FinishReason, Sampling, ServedModel

PIECE_CHARACTERS = 4


class ScriptedEngine:
    """A `tunery.serve.engine.Engine` that needs no weights and answers the same each time.

    A token is a run of characters without whitespace. Temperature, `top_p` and `seed` change
    nothing; `max_tokens` and `stop` cut an answer as they do elsewhere. Nothing is remembered
    between calls, so that several threads may call at once if the answers allow it.

    Args:
        answers: For each model name, a function from a prompt's turns to the whole answer. The
            first name is the base of all others.
        context_tokens: A prompt with more tokens is refused; None takes any.
    """

    def __init__(
        self,
        answers: Mapping[str, Callable[[Sequence[Message]], str]],
        context_tokens: int | None = None,
    ) -> None:
        self._answers = dict(answers)
        self._context_tokens = context_tokens

    def models(self) -> list[ServedModel]:
        """The models of `answers` in their order, all created at Unix time 0."""
        names = list(self._answers)
        return [ServedModel(name=name, base=names[0], created=0) for name in names]

    def generate(
        self, model: str, prompts: Sequence[Prompt], sampling: Sampling
    ) -> list[Completion]:
        """Answers all prompts, in their order.

        Raises:
            NotFoundError: `model` is not in `answers`.
            UserError: A prompt is longer than `context_tokens`.
        """
        answer = self._answer_of(model)
        return [self._complete(answer, prompt, sampling) for prompt in prompts]

    def stream(self, model: str, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        """Answers one prompt in pieces of four characters; errors come before the first piece.

        Raises:
            NotFoundError: `model` is not in `answers`.
            UserError: The prompt is longer than `context_tokens`.
        """
        return _pieces(self._complete(self._answer_of(model), prompt, sampling))

    def written(self, model: str, conversation: Conversation) -> str:
        """The last assistant turn, calls as `models.tool_text` writes them.

        Raises:
            NotFoundError: `model` is not in `answers`.
            DataError: A call cannot be written.
        """
        self._answer_of(model)
        return as_plain(conversation).answer

    def _answer_of(self, model: str) -> Callable[[Sequence[Message]], str]:
        if model not in self._answers:
            known = ", ".join(self._answers) or "none"
            raise NotFoundError(
                f"There is no model '{model}' here; the models are: {known}.",
                "Use one of these names.",
            )
        return self._answers[model]

    def _complete(
        self,
        answer: Callable[[Sequence[Message]], str],
        prompt: Prompt,
        sampling: Sampling,
    ) -> Completion:
        turns = as_conversation(prompt).messages
        prompt_tokens = sum(_count_tokens(message.content) for message in turns)
        if self._context_tokens is not None and prompt_tokens > self._context_tokens:
            raise UserError(
                f"The prompt has {prompt_tokens} tokens, but the context holds "
                f"{self._context_tokens}.",
                "Shorten the prompt.",
            )
        text, finish_reason = _cut(answer(turns), sampling)
        return Completion(
            text=text,
            finish_reason=finish_reason,
            prompt_tokens=prompt_tokens,
            completion_tokens=_count_tokens(text),
        )


def _cut(text: str, sampling: Sampling) -> tuple[str, FinishReason]:
    starts = [text.find(stop) for stop in sampling.stop if stop]
    text = text[: min((start for start in starts if start >= 0), default=len(text))]
    tokens = list(re.finditer(r"\S+", text))
    if sampling.max_tokens is not None and len(tokens) > sampling.max_tokens:
        return text[
            : tokens[sampling.max_tokens - 1].end()
        ] if sampling.max_tokens else "", "length"
    return text, "stop"


def _count_tokens(text: str) -> int:
    return len(text.split())


def _pieces(completion: Completion) -> Iterator[Delta]:
    text = completion.text
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield Delta(text[start : start + PIECE_CHARACTERS])
    yield Delta("", completion)
