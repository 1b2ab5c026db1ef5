"""Which layers of a model are trained: by name, by pattern and by block."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from tunery.errors import UserError
from tunery.models.adapters import block_of
from tunery.prefix.sharing import called_layers, shares
from tunery.prefix.states import blocks as blocks_of

PATTERN_SIGNS = frozenset(".*?[")
"""A target with one of these is a pattern over full names; without, it is a layer's last name."""


def is_pattern(target: str) -> bool:
    """Whether a target is a pattern over full names, such as `*.layers.[0-9].mlp.*`."""
    return not PATTERN_SIGNS.isdisjoint(target)


def chosen_layers(
    model: Any, targets: Sequence[str], blocks: Iterable[int] | None = None
) -> list[str]:
    """Full names of the linear layers that are meant, in the model's order.

    Args:
        model: A transformers causal language model. Its output layer is never meant.
        targets: Last names (`q_proj`) or patterns over full names (`*.layers.[0-9].mlp.*`).
        blocks: Only layers of these blocks; all by default.

    Raises:
        UserError: A target means no linear layer of the model, or none in these blocks.
    """
    head = model.get_output_embeddings()
    linear = [n for n, m in model.named_modules() if isinstance(m, nn.Linear) and m is not head]
    if not shares(model):
        called = called_layers(model)
        linear = [name for name in linear if name in called]
    found = {target: [name for name in linear if _means(target, name)] for target in targets}
    missing = sorted(target for target, names in found.items() if not names)
    if missing:
        known = sorted({name.rpartition(".")[2] for name in linear})
        example = f" (in full, such as {linear[0]})" if linear else ""
        raise UserError(
            f"method.targets names {', '.join(missing)}, which is no linear layer of this "
            f"model; it has {', '.join(known)}{example}.",
            "Correct method.targets, or leave it out.",
        )
    meant = {name for names in found.values() for name in names}
    inside = None if blocks is None else set(blocks)
    names = [n for n in linear if n in meant and (inside is None or block_of(n) in inside)]
    if not names:
        raise UserError(
            f"method.targets means no layer of the blocks that method.blocks names: it means "
            f"{', '.join(sorted(meant)[:3])} and {max(0, len(meant) - 3)} more.",
            "Correct method.targets or method.blocks.",
        )
    return names


def chosen_blocks(
    count: int, blocks: Sequence[int | str] | None, last_blocks: int | None
) -> list[int] | None:
    """Indices of the blocks that are meant; None for all, layers outside of blocks included.

    Args:
        count: Blocks of the model.
        blocks: Indices, or ranges with both ends such as "20-29".
        last_blocks: The last so many, all if there are not that many; not with `blocks`.

    Raises:
        UserError: A block is not there.
    """
    if last_blocks is not None:
        return list(range(max(0, count - last_blocks), count))
    if blocks is None:
        return None
    chosen: set[int] = set()
    for item in blocks:
        first, _, last = str(item).partition("-")
        span = range(int(first), int(last or first) + 1)
        if not span or span[-1] >= count:
            raise UserError(
                f"method.blocks names {item}; expected blocks from 0 to {count - 1}, a range with "
                "its lower end first.",
                "Correct method.blocks.",
            )
        chosen.update(span)
    return sorted(chosen)


def block_layers(model: Any) -> tuple[str, ...]:
    """Last names of all linear layers of the model's blocks: what LoRA adapts by default.

    Of a model that does not share, those that it calls (see `prefix.sharing.called_layers`).
    """
    inner = (item for block in blocks_of(model) for item in block.named_modules())
    names = [name.rpartition(".")[2] for name, part in inner if isinstance(part, nn.Linear)]
    if not shares(model):
        called = {name.rpartition(".")[2] for name in called_layers(model)}
        names = [name for name in names if name in called]
    return tuple(dict.fromkeys(names))


def _means(target: str, name: str) -> bool:
    return fnmatchcase(name, target) if is_pattern(target) else name.rpartition(".")[2] == target
