"""Keys of `method` that exclude each other: what each is good for, the other makes impossible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tunery.config.method import MethodSection
from tunery.errors import UserError


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two keys that cannot both be as they are.

    Attributes:
        key: Of `method`, the one that had better go.
        text: What was given and what was expected, without a full stop.
        hint: What to do.
    """

    key: str
    text: str
    hint: str = "Leave one of them out."


def conflicts(method: MethodSection) -> Iterator[Conflict]:
    """All conflicts of a method's keys."""
    full = method.kind == "full"
    if full and method.new_tokens:
        yield Conflict("new_tokens", "method.new_tokens is set and method.kind full; expected lora")
    if full and method.train_embeddings:
        yield Conflict(
            "train_embeddings",
            "method.train_embeddings is set and method.kind full; expected lora",
            "Leave method.train_embeddings out: full fine-tuning without targets trains the "
            "embedding anyway.",
        )
    if full and method.quantize is not None:
        yield Conflict(
            "quantize",
            f"method.quantize is {method.quantize} and method.kind full; weights in few bits "
            "cannot be trained",
        )
    if method.dropout and (full or method.dora):
        other = "method.kind is full" if full else "method.dora is true"
        yield Conflict(
            "dropout",
            f"method.dropout is {method.dropout:g} and {other}; dropout is LoRA's, without DoRA",
        )
    if method.quantize is not None and method.train_embeddings:
        yield Conflict(
            "train_embeddings",
            f"method.quantize is {method.quantize} and method.train_embeddings true; the embedding "
            "would need more memory than few bits save",
            "Leave one of them out; method.new_tokens alone goes with method.quantize.",
        )
    if method.blocks is not None and method.last_blocks is not None:
        yield Conflict(
            "last_blocks",
            f"method.blocks is {list(method.blocks)} and method.last_blocks {method.last_blocks}; "
            "expected one of the two",
        )


def check_conflicts(method: MethodSection) -> None:
    """Refuses a method whose keys exclude each other, for callers that read no file.

    Raises:
        UserError: They do; the first conflict.
    """
    for conflict in conflicts(method):
        raise UserError(f"{conflict.text}.", conflict.hint)
