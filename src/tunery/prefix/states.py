"""Hidden states of a forest: through the whole model, or from the first adapted block upwards.

Adapters in the last blocks only leave the blocks below unchanged by training, so what these make
of a row is the same in every epoch. `Trunk` computes it once, over a forest of all rows.

Shapes: T unique tokens, d hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tunery.errors import MismatchError, UserError
from tunery.models.adapters import block_of
from tunery.models.token_row import TokenRow
from tunery.prefix.cache import KeyValueCache
from tunery.prefix.forest import Forest, Node, build_forest
from tunery.prefix.plan import cut
from tunery.prefix.sharing import check_decodes, shares


def hidden_states(
    model: Any,
    forest: Forest,
    *,
    wanted: Tensor | None = None,
    cache: KeyValueCache | None = None,
    trunk: Trunk | None = None,
) -> Tensor:
    """Final hidden states of unique tokens.

    Args:
        model: A transformers causal language model opened by `models.load.open_model`, whose
            attention is `prefix.attention`, or one that does not share.
        forest: The rows; built without sharing for a model that does not share.
        wanted: [U] int64, the tokens whose states are needed, rising; all by default. The last
            block may leave out work for the others, see `prefix.fuse`.
        cache: Receives the keys and values of each layer.
        trunk: Knows these rows; the blocks below the first adapter are then not run.

    Returns:
        [U, d].

    Raises:
        UserError: A cache is given, and the model carries a state.
        MismatchError: The forest branches, and the model carries a state.
    """
    states = _computed(model, forest, wanted, cache, trunk)
    return states if wanted is None or len(states) == len(wanted) else states[wanted]


def _computed(
    model: Any,
    forest: Forest,
    wanted: Tensor | None,
    cache: KeyValueCache | None,
    trunk: Trunk | None,
) -> Tensor:
    """The wanted states, [U, d], or those of all tokens, [T, d]."""
    if not shares(model):
        if cache is not None:
            check_decodes(model)
        if any(node.depth for node in forest.nodes):
            raise MismatchError(
                f"The forest branches, and {type(model).__name__} takes one row a tree.",
                "Build the forest with sharing=False.",
            )
        return torch.cat([_of_row(model, forest, node) for node in forest.nodes])
    if trunk is None:
        return _run(model, forest, cache, wanted)
    states = trunk.entering(forest)[None]
    with _replaced(blocks(model)[: trunk.first], lambda *_args, **_kwargs: states):
        return _run(model, forest, cache, wanted)


def next_states(model: Any, tokens: Tensor, cache: KeyValueCache) -> Tensor:
    """Final hidden states of one more token a row.

    Args:
        model: As in `hidden_states`.
        tokens: [B] int64.
        cache: Knows the rows so far, and takes the tokens.

    Returns:
        [B, d].
    """
    cache.advance()
    output = model.base_model(
        input_ids=tokens[:, None],
        position_ids=(cache.lengths - 1)[:, None],
        use_cache=False,
        key_value_cache=cache,
    )
    states: Tensor = output.last_hidden_state[:, 0]
    return states


def blocks(model: Any) -> list[nn.Module]:
    """The model's blocks, from the lowest on, whatever its family calls their list."""
    count = model.config.get_text_config().num_hidden_layers
    for part in model.base_model.modules():
        if isinstance(part, nn.ModuleList) and len(part) == count:
            return list(part)
    raise UserError(
        f"{type(model).__name__} has no list of its {count} blocks.",
        "Choose another base model: `tunery models list`.",
    )


def first_adapted_block(model: nn.Module) -> int:
    """Index of the lowest block with a trained weight: 0 if they are everywhere."""
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    return min((block_of(name) or 0 for name in trained), default=0)


class Trunk:
    """The states that enter the first adapted block, of all rows of a training.

    Args:
        model: With LoRA layers attached.
        sets: All rows that will be asked for. Sets share nothing, so what is kept of the training
            rows does not depend on the validation rows, not even in its last digit.
        budget: Unique tokens computed at once.
    """

    def __init__(self, model: Any, sets: Iterable[Sequence[TokenRow]], budget: int) -> None:
        self.first = first_adapted_block(model)
        self._kept: list[Tensor] = []  # [T, d] of each group of rows
        self._places: dict[tuple[int, ...], tuple[int, Tensor]] = {}  # ids to group and path
        for rows in sets:
            for group in cut(rows, budget):
                forest = build_forest([rows[index] for index in group])
                for row, path in zip(forest.rows, forest.paths, strict=True):
                    self._places.setdefault(row.ids, (len(self._kept), path))
                self._kept.append(_entering(model, forest, self.first))

    def entering(self, forest: Forest) -> Tensor:
        """States of a forest's unique tokens, [T, d]."""
        out = self._kept[0].new_empty(forest.unique_tokens, self._kept[0].shape[1])
        for row, path in zip(forest.rows, forest.paths, strict=True):
            group, place = self._places[row.ids]
            out[path] = self._kept[group][place]
        return out


@torch.no_grad()
def _entering(model: Any, forest: Forest, block: int) -> Tensor:
    """Runs the blocks below `block`; returns what would enter it, [T, d]."""
    seen: list[Tensor] = []

    def keep(hidden: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
        seen.append(hidden[0])
        return hidden

    layers = blocks(model)
    with _replaced(layers[block:], _pass_on), _replaced(layers[block : block + 1], keep):
        _run(model, forest, None)
    return seen[0]


def _pass_on(hidden: Tensor, *_args: Any, **_kwargs: Any) -> Tensor:
    return hidden


@contextmanager
def _replaced(blocks: Iterable[nn.Module], forward: Callable[..., Tensor]) -> Iterator[None]:
    """Lets blocks compute something else; their attributes stay for the model to read."""
    before = [(block, block.__dict__.get("forward")) for block in blocks]
    for block, _ in before:
        block.forward = forward
    try:
        yield
    finally:
        for block, own in before:
            if own is None:
                del block.forward
            else:
                block.forward = own


def _of_row(model: Any, forest: Forest, node: Node) -> Tensor:
    """States of a row that is one node, by the model's own causal computation, [n, d]."""
    ids = forest.input_ids[node.start : node.end]
    states: Tensor = model.base_model(input_ids=ids[None], use_cache=False).last_hidden_state[0]
    return states


def _run(
    model: Any, forest: Forest, cache: KeyValueCache | None, wanted: Tensor | None = None
) -> Tensor:
    output = model.base_model(
        input_ids=forest.input_ids[None],
        position_ids=forest.position_ids[None],
        use_cache=False,
        forest_nodes=forest.nodes,
        wanted_tokens=wanted,
        key_value_cache=cache,
    )
    states: Tensor = output.last_hidden_state[0]
    return states
