"""Conversations to tokens: the one renderer that training, evaluation and serving share.

A row is rendered as the served model will meet it: the prompt up to an assistant turn, as the
template writes it for generation, is tokenized on its own, and so is the answer with its end
token. What is trained is therefore what is asked for later, token by token.

Text of a message never turns into a control token: `<|im_end|>` written by a user is ordinary
text here, and so it is in the name, the arguments or the description of a tool.

Where the template has a form for tools, it writes them; where not, `tool_text` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import TemplateError

from tunery.data.conversation import Conversation, Prompt, as_conversation
from tunery.errors import DataError, UserError
from tunery.models.control_tokens import ControlTokens, Piece
from tunery.models.template_turns import (
    TemplateTurns,
    plain_turns,
    refuse_what_is_lost,
    tool_turns,
    uses_tools,
)
from tunery.models.token_row import TokenRow
from tunery.models.tool_style import ToolStyle, find_style
from tunery.models.tool_text import at_place

FIXED = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""What some templates would otherwise decide by themselves: Qwen 3 writes an empty thinking block
into trained answers only, and Llama 3 writes today's date, so that a model would be trained on one
prompt and asked another."""

KEPT_PIECES = 2048
"""Pieces whose tokens are remembered: system prompts and lists of tools come in all rows."""

# What the code of a template raises when it is given what it did not expect.
_REFUSALS = (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


class ChatTemplate:
    """A tokenizer and its chat template.

    Args:
        tokenizer: A transformers tokenizer with a chat template. Its tokens and template are not
            to be changed afterwards.
        end_ids: Ids of the tokens that end an answer, the one that the template writes first.
        text_tokens: Added tokens that are no control tokens: a message may hold them.

    Raises:
        UserError: The tokenizer has no chat template.
    """

    def __init__(
        self, tokenizer: Any, end_ids: Sequence[int], text_tokens: Sequence[str] = ()
    ) -> None:
        if not tokenizer.chat_template:
            raise UserError(
                "This model has no chat template, so it cannot read conversations.",
                "Choose an instruction-tuned model: `tunery models list`.",
            )
        self.tokenizer = tokenizer
        self.end_ids = tuple(end_ids)
        self._end_tokens = [tokenizer.convert_ids_to_tokens(token_id) for token_id in end_ids]
        self._control = ControlTokens(tokenizer, text_tokens)
        self._encode: Callable[[str], tuple[int, ...]] = lru_cache(KEPT_PIECES)(self._encoded)

    @cached_property
    def tool_style(self) -> ToolStyle:
        """How the template writes tools, and why so."""
        return find_style(self._apply)

    def prompt_ids(self, prompt: Prompt) -> tuple[int, ...]:
        """Tokens after which the model writes the next assistant turn.

        Raises:
            UserError: The template refuses these messages.
        """
        conversation = as_conversation(prompt)
        script = self._script(conversation)
        text = script.render(None, generate=True)
        spans = self._answers(script, text, conversation, trained=False)
        pieces = self._pieces(script, text, spans)
        return tuple(token for piece in pieces for token in self.piece_ids(piece))

    def row(self, conversation: Conversation) -> TokenRow:
        """Tokens of a whole conversation, weighted for the loss.

        Each assistant turn carries its weight on its text, its calls and the token that ends it;
        nothing else is trained.

        Raises:
            DataError: The template cannot render the conversation turn by turn.
            UserError: The template refuses its messages.
        """
        ids: list[int] = []
        weights: list[float] = []
        for piece in self.segments(conversation):
            fresh = self.piece_ids(piece)
            ids.extend(fresh)
            weights.extend([piece.weight] * len(fresh))
        return TokenRow(tuple(ids), tuple(weights), conversation.place)

    def segments(self, conversation: Conversation) -> list[Piece]:
        """The pieces of which `row` is made; each is tokenized on its own.

        Whoever only counts tokens may count each piece that repeats once.

        Raises:
            DataError: As for `row`.
            UserError: As for `row`.
        """
        script = self._script(conversation)
        roles = [message.role for message in script.given.messages]
        if "assistant" not in roles:
            return []
        end = len(roles) - roles[::-1].index("assistant")
        if roles[0] == "assistant" and script.given.messages[0].loss_weight:
            raise DataError(
                f"{at_place(conversation)}the first turn is the assistant's; expected a turn that "
                "it answers.",
                "Put a user turn first.",
            )
        text = script.render(end, generate=False)
        spans = self._answers(script, text, conversation, trained=True, upto=end)
        if spans and spans[-1].turn == end - 1:
            text = text[: spans[-1].end]  # what follows belongs to the next turn
        return list(self._pieces(script, text, spans))

    def piece_ids(self, piece: Piece) -> tuple[int, ...]:
        """The tokens of a piece."""
        return self._encode(piece.text) if piece.token_id is None else (piece.token_id,)

    def answer_text(self, conversation: Conversation) -> str:
        """The last assistant turn as a model that says just this writes it, calls included.

        Raises:
            DataError: As for `row`.
            UserError: As for `row`.
        """
        last = len(conversation.prompt)
        messages = (
            *(replace(message, weight=0.0) for message in conversation.prompt),
            *(replace(message, weight=1.0) for message in conversation.messages[last : last + 1]),
        )
        row = self.row(replace(conversation, messages=messages))
        return self.text([token for token, w in zip(row.ids, row.weights, strict=True) if w])

    def text(self, ids: Sequence[int]) -> str:
        """The text of generated tokens, without control tokens."""
        out: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return out

    def _script(self, conversation: Conversation) -> _Script:
        if uses_tools(conversation):
            given = tool_turns(conversation, self.tool_style)
        else:
            given = plain_turns(conversation)
        # Chosen from all texts, so that every prefix of the turns uses the same ones.
        stand_ins = self._control.stand_ins(given.texts())
        if stand_ins:
            given = TemplateTurns(
                given.messages,
                self._control.hide(given.turns, stand_ins),
                self._control.hide(given.tools, stand_ins),
            )
        return _Script(given, stand_ins, self._apply)

    def _answers(
        self,
        script: _Script,
        text: str,
        conversation: Conversation,
        *,
        trained: bool,
        upto: int | None = None,
    ) -> list[_Span]:
        """Where the assistant's turns stand in a rendered text.

        A turn that is not trained, and that the template writes otherwise once others follow, is
        left out: it is part of the prompt of those.
        """
        spans: list[_Span] = []
        for turn, message in enumerate(script.given.messages[:upto]):
            if message.role != "assistant" or turn == 0:
                continue
            required = trained and message.loss_weight != 0
            try:
                after = spans[-1].end if spans else 0
                spans.append(self._answer(script, text, turn, after, conversation))
            except UserError:
                if required:
                    raise
        if uses_tools(conversation):
            found = {span.turn: text[span.start : span.end] for span in spans}
            refuse_what_is_lost(text, script.given.first(upto), found, conversation)
        return spans

    def _answer(
        self, script: _Script, text: str, turn: int, after: int, conversation: Conversation
    ) -> _Span:
        prompt = script.render(turn, generate=True)
        whole = script.render(turn + 1, generate=False)
        if whole.startswith(prompt) and len(prompt) >= after:
            end = self._end_of_answer(whole, len(prompt), conversation)
            if text.startswith(whole[:end]):
                return _Span(turn, len(prompt), end, script.given.messages[turn].loss_weight)
        raise DataError(
            f"{at_place(conversation)}the chat template rewrites earlier turns as the "
            "conversation goes on, so its turns cannot be trained together.",
            'Split it into one row for each assistant turn, or give all but the last "weight": 0.',
        )

    def _end_of_answer(self, text: str, start: int, conversation: Conversation) -> int:
        """The index behind the end token of the last turn."""
        for token in self._end_tokens:
            if token and (at := text.rfind(token, start)) >= 0:
                return at + len(token)
        raise DataError(
            f"{at_place(conversation)}the chat template ends the answer with no token that ends "
            "generation, so a tuned model would never stop.",
            "Choose a model whose template ends its turns: `tunery models list`.",
        )

    def _pieces(self, script: _Script, text: str, spans: Sequence[_Span]) -> Iterator[Piece]:
        at = 0
        for span in spans:
            yield from self._control.pieces(text[at : span.start], 0.0, script.stand_ins)
            answer = text[span.start : span.end]
            yield from self._control.pieces(answer, span.weight, script.stand_ins)
            at = span.end
        yield from self._control.pieces(text[at:], 0.0, script.stand_ins)

    def _apply(
        self,
        turns: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None,
        generate: bool,
    ) -> str:
        try:
            text: str = self.tokenizer.apply_chat_template(
                turns, tools=tools, tokenize=False, add_generation_prompt=generate, **FIXED
            )
        except (*_REFUSALS, RecursionError) as error:
            raise UserError(
                f"The model's chat template refuses these messages: {error}",
                "Check the roles and their order.",
            ) from error
        return text

    def _encoded(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))


@dataclass(frozen=True, slots=True)
class _Span:
    """An assistant turn in a rendered text: what the model writes, from `start` to `end`."""

    turn: int
    start: int
    end: int
    weight: float


class _Script:
    """A conversation ready for the template; each prefix of it is rendered once."""

    def __init__(
        self,
        given: TemplateTurns,
        stand_ins: Mapping[str, str],
        apply: Callable[..., str],
    ) -> None:
        self.given = given
        self.stand_ins = stand_ins
        self._apply = apply
        self._rendered: dict[tuple[int, bool], str] = {}

    def render(self, upto: int | None, *, generate: bool) -> str:
        """The first `upto` turns as text, with stand-ins; all for None."""
        key = (len(self.given.turns) if upto is None else upto, generate)
        if key not in self._rendered:
            turns = self.given.turns[: key[0]]
            self._rendered[key] = self._apply(turns, self.given.tools, generate)
        return self._rendered[key]
