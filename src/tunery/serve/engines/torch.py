"""The engine on torch and the prefix forest: one loaded base and what was tuned from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunery.data.conversation import Conversation, Prompt
from tunery.errors import NotFoundError, UserError
from tunery.models.adapters import Adapter
from tunery.models.chat_template import ChatTemplate
from tunery.models.load import LoadedModel
from tunery.prefix.attach import wear
from tunery.prefix.thin import make_thin
from tunery.serve.engine import Completion, Delta, FinishReason, Sampling, ServedModel
from tunery.serve.engines.decode import decode
from tunery.serve.engines.sampling import new_generator, next_tokens
from tunery.serve.text_stream import TextStream


@dataclass(slots=True)
class _Answer:
    """One answer in the making."""

    prompt: tuple[int, ...]
    stream: TextStream
    limit: int
    pieces: list[str] = field(default_factory=list)
    finish_reason: FinishReason | None = None

    def push(self, token: int, end_ids: Sequence[int]) -> bool:
        """Adds a token; true if the answer is whole."""
        if self.finish_reason is None:
            self.pieces.append(self.stream.push(token))
            if token in end_ids or self.stream.stopped:
                self.finish_reason = "stop"
            elif self.stream.tokens >= self.limit:
                self.finish_reason = "length"
            if self.finish_reason:
                self.pieces.append(self.stream.finish())
        return self.finish_reason is not None

    def completion(self) -> Completion:
        """The whole answer."""
        return Completion(
            text=self.stream.text,
            finish_reason=self.finish_reason or "length",
            prompt_tokens=len(self.prompt),
            completion_tokens=self.stream.tokens,
        )


class TorchEngine:
    """Answers for a base model and what was tuned from it, one request at a time.

    The adapter that a request names is merged into the weights before it runs, so a tuned model
    answers with the very numbers that training computed. A tuned model of its own is opened when a
    request names it; one such is in memory at a time. Requests wait for one another.

    Args:
        base: The loaded base; its attention must be `prefix.attention`.
        adapters: Tuned models by name.
        created: Unix times in seconds by model name; 0 where a name is missing.
        wholes: Opens tuned models of their own, by name. So is an adapter with an embedding.
        templates: Templates of those that do not share the base's tokenizer, by name.
    """

    def __init__(
        self,
        base: LoadedModel,
        adapters: Mapping[str, Adapter],
        created: Mapping[str, int] | None = None,
        wholes: Mapping[str, Callable[[], LoadedModel]] | None = None,
        templates: Mapping[str, ChatTemplate] | None = None,
    ) -> None:
        own = [name for name, adapter in adapters.items() if adapter.own_embedding]
        if own:
            raise UserError(
                f"The adapter {own[0]} has an embedding of its own; expected one that shares it.",
                "Open it as a model of its own.",
            )
        self._templates = dict(templates or {})
        self._wholes = dict(wholes or {})
        self._whole: tuple[str, LoadedModel] | None = None  # the one that is in memory
        if base.name in adapters or base.name in self._wholes:
            raise UserError(
                f"A tuned model is called {base.name}, as its base is.",
                "Give the run another name.",
            )
        make_thin(base.network)
        self._base = base
        self._adapters = dict(adapters)
        self._created = created or {}
        self._worn: str | None = None
        self._lock = threading.Lock()

    def models(self) -> list[ServedModel]:
        """The base, then its tuned models by name."""
        names = [self._base.name, *sorted([*self._adapters, *self._wholes])]
        return [ServedModel(n, self._base.name, self._created.get(n, 0)) for n in names]

    def generate(
        self, model: str, prompts: Sequence[Prompt], sampling: Sampling
    ) -> list[Completion]:
        """Answers all prompts as one batch; their shared prefix is computed once."""
        answers = self._prepare(model, prompts, sampling)
        for _ in self._steps(model, answers, sampling):
            pass
        return [answer.completion() for answer in answers]

    def stream(self, model: str, prompt: Prompt, sampling: Sampling) -> Iterator[Delta]:
        """Answers one prompt piece by piece."""
        answers = self._prepare(model, [prompt], sampling)
        return self._deltas(model, answers, sampling)

    def written(self, model: str, conversation: Conversation) -> str:
        """The last assistant turn as the model would write it."""
        return self._template(model).answer_text(conversation)

    def _deltas(self, model: str, answers: list[_Answer], sampling: Sampling) -> Iterator[Delta]:
        answer = answers[0]
        for _ in self._steps(model, answers, sampling):
            text = "".join(answer.pieces)
            answer.pieces.clear()
            if answer.finish_reason:
                yield Delta(text, answer.completion())
            elif text:
                yield Delta(text)

    def _prepare(self, model: str, prompts: Sequence[Prompt], sampling: Sampling) -> list[_Answer]:
        template, answers = self._template(model), []
        for prompt in prompts:
            ids = template.prompt_ids(prompt)
            room = self._base.context - len(ids)
            if room < 1:
                raise UserError(
                    f"The prompt has {len(ids)} tokens; the context of {self._base.name} holds "
                    f"{self._base.context} with the answer.",
                    "Shorten the messages.",
                )
            limit = room if sampling.max_tokens is None else min(room, sampling.max_tokens)
            answers.append(_Answer(ids, TextStream(template.text, sampling.stop), limit))
        return answers

    def _template(self, model: str) -> ChatTemplate:
        if model not in (self._base.name, *self._adapters, *self._wholes):
            raise NotFoundError(
                f"There is no model {model!r} here; there are "
                f"{', '.join(served.name for served in self.models())}.",
                "Name one of these.",
            )
        return self._templates.get(model, self._base.template)

    def _steps(self, model: str, answers: list[_Answer], sampling: Sampling) -> Iterator[None]:
        """One token for each unfinished answer at a time; holds the network meanwhile."""
        if not answers:
            return
        end_ids = self._base.template.end_ids
        generator = new_generator(sampling.seed)
        with self._lock:
            yield from decode(
                self._network(model),
                [answer.prompt for answer in answers],
                room=max(answer.limit for answer in answers),
                choose=lambda logits: next_tokens(logits, sampling, generator),
                finished=lambda row, token: answers[row].push(token, end_ids),
            )

    def _network(self, model: str) -> Any:
        """The network that answers for a model; the lock must be held."""
        if model in self._wholes:
            if self._whole is None or self._whole[0] != model:
                self._whole = None  # its memory is free before the next one is loaded
                opened = self._wholes[model]()
                make_thin(opened.network)
                self._whole = (model, opened)
            return self._whole[1].network
        if self._worn != model:
            self._worn = None  # stays so if the adapter does not fit
            wear(self._base.network, self._adapters.get(model))
            self._worn = model
        return self._base.network
