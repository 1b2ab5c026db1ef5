"""Conversations to tokens: the one renderer that training, evaluation and serving share.

A row is rendered as the served model will meet it: the prompt up to an assistant turn, as the
template writes it for generation, is tokenized on its own, and so is the answer with its end
token. What is trained is therefore what is asked for later, token by token.

Text of a message never turns into a control token: `<|im_end|>` written by a user is ordinary
text here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jinja2 import TemplateError

from tunery.data.conversation import Conversation, Message
from tunery.errors import DataError, UserError
from tunery.models.token_row import TokenRow

FIXED = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""What some templates would otherwise decide by themselves: Qwen 3 writes an empty thinking block
into trained answers only, and Llama 3 writes today's date, so that a model would be trained on one
prompt and asked another."""

PRIVATE_USE = range(0xE000, 0xF900)
"""Unicode code points that no standard text uses: stand-ins while a template is rendered."""


class Segment(NamedTuple):
    """A piece of a conversation that is tokenized by itself.

    Attributes:
        text: Rendered text; control tokens in it are control tokens.
        weight: Loss weight of all its tokens.
        literals: For each stand-in character in `text`, the control token's letters that a
            message held as ordinary text.
    """

    text: str
    weight: float
    literals: dict[str, str]


class ChatTemplate:
    """A tokenizer and its chat template.

    Args:
        tokenizer: A transformers tokenizer with a chat template.
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
        control = set(tokenizer.added_tokens_encoder) - set(text_tokens)
        self._control = sorted(control, key=lambda text: (-len(text), text))

    @property
    def control_tokens(self) -> tuple[str, ...]:
        """Tokens that a message cannot write, the longest first."""
        return tuple(self._control)

    def prompt_ids(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Tokens after which the model writes the next assistant turn.

        Raises:
            UserError: The template refuses these messages.
        """
        text, literals = self._text(messages, generate=True)
        return tuple(self._tokens(text, literals))

    def row(self, conversation: Conversation) -> TokenRow:
        """Tokens of a whole conversation, weighted for the loss.

        Each assistant turn carries its weight on its text and on the token that ends it; nothing
        else is trained.

        Raises:
            DataError: The template cannot render the conversation turn by turn.
        """
        ids: list[int] = []
        weights: list[float] = []
        for text, weight, literals in self.segments(conversation):
            fresh = self.segment_ids(text, literals)
            ids.extend(fresh)
            weights.extend([weight] * len(fresh))
        return TokenRow(tuple(ids), tuple(weights), conversation.place)

    def segments(self, conversation: Conversation) -> list[Segment]:
        """The pieces of text whose tokens, one piece after the other, are those of `row`.

        Before each assistant turn there is a piece of weight 0, then the turn itself with its
        end token.

        Raises:
            DataError: The template cannot render the conversation turn by turn.
        """
        pieces: list[Segment] = []
        written = ""
        for index, message in enumerate(conversation.messages):
            if message.role != "assistant":
                continue
            if index == 0:
                raise DataError(
                    f"{conversation.file}:{conversation.line}: the first turn is the assistant's; "
                    "expected a turn that it answers.",
                    "Put a user turn first.",
                )
            text, literals = self._text(conversation.messages, generate=True, upto=index)
            prompt = self._continue(text, written, conversation)
            text, literals = self._text(conversation.messages, generate=False, upto=index + 1)
            answer, rest = self._answer(
                self._continue(text, written + prompt, conversation), conversation
            )
            pieces.append(Segment(prompt, 0.0, literals))
            pieces.append(Segment(answer, message.loss_weight, literals))
            written = text[: len(text) - len(rest)]
        return pieces

    def segment_ids(self, text: str, literals: dict[str, str]) -> list[int]:
        """Tokens of one piece of text of `segments`."""
        return self._tokens(text, literals)

    def text(self, ids: Sequence[int]) -> str:
        """The text of generated tokens, without control tokens."""
        out: str = self.tokenizer.decode(list(ids), skip_special_tokens=True)
        return out

    def _continue(self, text: str, written: str, conversation: Conversation) -> str:
        if not text.startswith(written):
            raise DataError(
                f"{conversation.file}:{conversation.line}: the chat template rewrites earlier "
                "turns as the conversation goes on, so its turns cannot be trained together.",
                "Split it into one row for each assistant turn.",
            )
        return text[len(written) :]

    def _answer(self, text: str, conversation: Conversation) -> tuple[str, str]:
        """Splits an assistant turn behind its end token; what follows belongs to the next turn."""
        for token_id in self.end_ids:
            token = self.tokenizer.convert_ids_to_tokens(token_id)
            if token and (at := text.rfind(token)) >= 0:
                return text[: at + len(token)], text[at + len(token) :]
        raise DataError(
            f"{conversation.file}:{conversation.line}: the chat template ends the answer with no "
            "token that ends generation, so a tuned model would never stop.",
            "Choose a model whose template ends its turns: `tunery models list`.",
        )

    def _text(
        self, messages: Sequence[Message], *, generate: bool, upto: int | None = None
    ) -> tuple[str, dict[str, str]]:
        """Renders messages; control tokens inside their texts are replaced by stand-ins.

        Stand-ins are chosen from all messages, so that every prefix uses the same ones.
        """
        everything = "".join(message.content for message in messages)
        free = (chr(point) for point in PRIVATE_USE if chr(point) not in everything)
        literals = {next(free): token for token in self._control if token in everything}
        turns = []
        for message in messages[:upto]:
            content = message.content
            for stand_in, token in literals.items():
                content = content.replace(token, stand_in)
            # "developer" is the newer name of "system"; templates know the older one.
            role = "system" if message.role == "developer" else message.role
            turns.append({"role": role, "content": content})
        try:
            text: str = self.tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=generate, **FIXED
            )
        except TemplateError as error:
            raise UserError(
                f"The model's chat template refuses these messages: {error}",
                "Check the roles and their order.",
            ) from error
        return text, literals

    def _tokens(self, text: str, literals: dict[str, str]) -> list[int]:
        """Tokenizes rendered text; a stand-in becomes its control token's letters."""
        ids: list[int] = []
        start = 0
        for at, char in enumerate(text if literals else ""):
            if char in literals:
                ids.extend(self._encode(text[start:at]))
                token = literals[char]  # in two halves no tokenizer takes it for a control token
                ids.extend(self._encode(token[:1]) + self._encode(token[1:]))
                start = at + 1
        return ids + self._encode(text[start:])

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False)
        return ids
