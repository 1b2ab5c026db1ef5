"""Tokens that a tokenizer does not have: their ids, their rows in the tables, their tokenizer file.

A new token is one token wherever its text stands, in a message too, and is seen in an answer. Its
row starts at the mean of all rows, in the embedding and in the output layer, so that it is about as
likely as an average token and the other tokens' probabilities hardly change.

Shapes: V rows of a table, d hidden size, n new tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken
from torch import Tensor, nn
from transformers import AutoTokenizer

from tunery.errors import UserError
from tunery.models.chat_template import ChatTemplate
from tunery.models.load import LoadedModel

HINT = "Correct method.new_tokens."


def add_tokens(model: LoadedModel, tokens: Sequence[str]) -> LoadedModel:
    """Gives a model new tokens.

    Args:
        model: Its tokenizer and its network are changed in place.
        tokens: Their texts.

    Returns:
        The model with a template that knows them.

    Raises:
        UserError: A text is empty, a token already, given twice or holds a control token; or the
            network has further tables of the vocabulary.
    """
    tokenizer = model.template.tokenizer
    _check(tokenizer, tokens)
    known = len(tokenizer)
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in tokens])
    ids = tokenizer.convert_tokens_to_ids(list(tokens))
    if ids != list(range(known, known + len(ids))):
        raise UserError(
            f"The tokenizer of {model.name} gives new tokens the ids {ids}; expected those from "
            f"{known} on.",
            "Leave method.new_tokens out, or choose another base model.",
        )
    grow(model.network, known + len(ids), known)
    template = ChatTemplate(tokenizer, model.template.end_ids, tokens)
    return replace(model, template=template, parameters=model.network.num_parameters())


def _check(tokenizer: Any, tokens: Sequence[str]) -> None:
    there = tokenizer.get_vocab()
    for index, text in enumerate(tokens):
        if not text.strip():
            raise UserError(f"New token {index + 1} is {text!r}; expected a text.", HINT)
        if text in there or tokenizer.tokenize(text) == [text]:
            raise UserError(
                f"{text!r} is a token of this model already; expected a text that is none.", HINT
            )
        if text in tokens[:index]:
            raise UserError(f"{text!r} is given twice as a new token; expected once.", HINT)
        inside = [control for control in tokenizer.added_tokens_encoder if control in text]
        if inside:
            raise UserError(
                f"The new token {text!r} holds the control token {inside[0]!r}; expected none.",
                HINT,
            )


def tables(network: Any, *, tied: bool = False) -> dict[str, Any]:
    """The embedding and the output layer, by full name.

    Without `tied`, an output layer that is the embedding is left out.
    """
    embedding, head = network.get_input_embeddings(), network.get_output_embeddings()
    wanted = [embedding, head] if tied or head.weight is not embedding.weight else [embedding]
    names = {id(module): name for name, module in network.named_modules()}
    return {names[id(module)]: module for module in wanted}


@torch.no_grad()
def grow(network: Any, rows: int, known: int) -> None:
    """Makes room for ids up to `rows` - 1 and sets those from `known` on to the mean of the others.

    Args:
        network: Changed in place; tied tables stay tied.
        rows: Fewest rows of each table afterwards.
        known: Ids below this have rows of their own.

    Raises:
        UserError: The network has further tables of the vocabulary.
    """
    embedding, head = network.get_input_embeddings(), network.get_output_embeddings()
    tied = head.weight is embedding.weight
    old = len(embedding.weight)
    others = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Embedding)
        and module is not embedding
        and len(module.weight) == old
    ]
    if others:
        raise UserError(
            f"{type(network).__name__} has a second table of the vocabulary, {others[0]}; expected "
            "the embedding alone.",
            "Leave method.new_tokens out, or choose another base model.",
        )
    embedding.weight = _longer(embedding.weight, rows, known)
    head.weight = embedding.weight if tied else _longer(head.weight, rows, known)
    if head.bias is not None:
        head.bias = _longer(head.bias, rows, known)
    embedding.num_embeddings = head.out_features = len(embedding.weight)
    network.config.get_text_config().vocab_size = len(embedding.weight)


def _longer(table: Tensor, rows: int, known: int) -> nn.Parameter:
    """A table, [V, d] or [V], of at least `rows` rows."""
    out = table.new_empty(max(rows, len(table)), *table.shape[1:])
    out[: len(table)] = table
    out[min(known, len(table)) : rows] = table[:known].mean(dim=0)
    return nn.Parameter(out, requires_grad=False)


def own_template(folder: Path, base: ChatTemplate) -> ChatTemplate | None:
    """The template of an adapter that has a tokenizer of its own; None if it has none.

    Args:
        folder: Of the adapter.
        base: The base model's.

    Raises:
        UserError: The tokenizer's files cannot be read.
    """
    if not (folder / "tokenizer_config.json").is_file():
        return None
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The tokenizer in {folder} is damaged: {error}", "Train the model again."
        ) from error
    new = set(tokenizer.added_tokens_encoder) - set(base.tokenizer.added_tokens_encoder)
    return ChatTemplate(tokenizer, base.end_ids, sorted(new))
