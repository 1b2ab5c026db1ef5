"""Lets a model's own weights be trained: all of them, or those of chosen layers and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from tunery.models.adapters import block_of
from tunery.prefix.targets import chosen_blocks, chosen_layers


def unfreeze(
    model: Any,
    targets: Sequence[str] | None = None,
    *,
    blocks: Sequence[int | str] | None = None,
    last_blocks: int | None = None,
) -> dict[str, nn.Parameter]:
    """Freezes a model but for the weights that are meant.

    Args:
        model: Changed in place.
        targets: Only weights and biases of these linear layers, see `targets.chosen_layers`.
        blocks: Only these blocks, see `targets.chosen_blocks`. Without targets, all that is in
            them: norms too, but neither embedding, last norm nor output layer.
        last_blocks: Only the last so many blocks; those below need no backward pass.

    Returns:
        Full name to parameter, in the model's order; a tied output layer is the embedding.

    Raises:
        UserError: A target or a block is not there.
    """
    count = model.config.get_text_config().num_hidden_layers
    inside = chosen_blocks(count, blocks, last_blocks)
    chosen = dict(model.named_parameters())
    if targets is not None:
        layers = set(chosen_layers(model, targets, inside))
        chosen = {name: p for name, p in chosen.items() if name.rpartition(".")[0] in layers}
    elif inside is not None:
        chosen = {name: p for name, p in chosen.items() if block_of(name) in inside}
    model.requires_grad_(requires_grad=False)
    for parameter in chosen.values():
        parameter.requires_grad_(requires_grad=True)
    return chosen
