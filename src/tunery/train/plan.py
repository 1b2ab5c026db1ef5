"""What a training will do and cost, before its first step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tunery.config.section import number
from tunery.config.train import TrainSection
from tunery.errors import UserError
from tunery.models.adapters import block_of
from tunery.models.token_row import TokenRow
from tunery.prefix import lora
from tunery.prefix.dropout import drops
from tunery.prefix.embeddings import trained_parameters
from tunery.prefix.forest import build_forest, unique_tokens
from tunery.prefix.logprobs import BLOCK, CHUNK, target_logprobs
from tunery.prefix.plan import cut
from tunery.prefix.quantized import Quantized
from tunery.prefix.recompute import blocks
from tunery.prefix.sharing import REASON, shares
from tunery.prefix.states import first_adapted_block
from tunery.train.device import ComputeChoice, Memory
from tunery.train.order import RowOrder

TRIAL_TOKENS = 64
"""Length of the row whose memory is measured."""

TRIAL_UNSHARED = 256
"""The same for a state space, which works by chunks of up to so many tokens."""

MEMORY_SHARE = 0.5
"""Share of the free memory that a micro-batch may fill."""

MOST_TOKENS = 4096
"""More unique tokens at once gain no speed."""

TRUNK_BYTES = 2**30
"""Most memory for the states that enter the first adapted block. A constant, so that a resumed
run decides as the first one did."""

PRODUCT_SHARE = 0.7
"""Share of the rate of a large product that a training step reaches; measured, see
docs/design/002-engine.md."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that was found, not given, and why."""

    name: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """What a training will do.

    Attributes:
        rows: Training rows.
        tokens: Their tokens.
        supervised_tokens: Of these, tokens that are trained.
        unique_tokens: Tokens computed in one epoch, after sharing inside each step.
        steps: Optimizer steps of the whole training.
        trained_parameters: Weights that change.
        budget: Most unique tokens computed at once.
        recompute: Blocks are computed again in the backward pass, since the longest row would not
            fit otherwise.
        trunk_bytes: Of the states kept of the blocks below the first adapter; 0 if none are.
        peak_bytes: Estimated peak of the process's memory.
        seconds: Estimated time of all steps.
        choices: What was chosen automatically.
    """

    rows: int
    tokens: int
    supervised_tokens: int
    unique_tokens: int
    steps: int
    trained_parameters: int
    budget: int
    recompute: bool
    trunk_bytes: int
    peak_bytes: int
    seconds: float
    choices: tuple[Choice, ...]


def make_plan(
    network: Any,
    rows: Sequence[TokenRow],
    validation: Sequence[TokenRow],
    settings: TrainSection,
    *,
    order: RowOrder,
    memory: Callable[[], Memory],
    compute: ComputeChoice,
    chosen: Sequence[Choice] = (),
) -> TrainPlan:
    """Counts the work and measures what a token costs.

    Args:
        network: With LoRA layers attached.
        rows: The training rows.
        validation: Rows of the validation loss.
        settings: How it is trained.
        order: Which rows form a step.
        memory: Asks what is free and what the process holds; asked when the weights, which are
            mapped from a file, have been read once.
        compute: The timed product.
        chosen: What was chosen before, to be listed too.

    Raises:
        UserError: The longest row does not fit in the free memory.
    """
    budget = settings.micro_batch_tokens
    layers = lora.layers(network)
    products = _kept_products(layers.values())
    trained = trained_parameters(network)
    vocabulary, hidden = network.get_output_embeddings().weight.shape
    trunk_tokens, trunk = _trunk(network, rows, validation)
    trains_head = network.get_output_embeddings().weight.requires_grad
    # W' of every layer, two moments, gradient and packed copy, scores at the output layer, trunk.
    fixed = 4 * (products + 4 * trained + 2 * BLOCK * CHUNK + trunk_tokens * hidden)
    fixed += 4 * 2 * vocabulary * hidden * trains_head  # its gradient, and the embedding's
    token_bytes = activation_bytes(network, rows)
    now = memory()
    longest = max(len(row.ids) for row in [*rows, *validation])
    choices = [Choice("compute type", "float32", compute.reason), *chosen, *trunk]
    sharing = shares(network) and not drops(network)
    recompute = fixed + longest * token_bytes > now.free
    if recompute:
        kept, token_bytes = token_bytes, _recomputed_bytes(network, token_bytes, hidden)
        _check_room(longest, token_bytes, fixed, now.free)
        choices.append(_said_recompute(longest, fixed + longest * kept, now.free))
    room = int(MEMORY_SHARE * max(0, now.free - fixed) / token_bytes)
    if budget is None:
        budget = max(longest, min(room, MOST_TOKENS))
        reason = (
            f"half of the {now.free / 2**30:.1f} GiB that are free, at "
            f"{token_bytes / 2**20:.1f} MiB a token; at most {MOST_TOKENS}, never less than the "
            "longest row"
        )
        choices.append(Choice("unique tokens at once", str(budget), reason))
    batches = [
        [rows[index] for index in order.of_step(step)] for step in range(order.steps_per_epoch)
    ]
    groups = [
        [batch[index] for index in group]
        for batch in batches
        for group in cut(batch, budget, sharing=sharing)
    ]
    sizes = [unique_tokens(group, sharing=sharing) for group in groups]
    supervised = sum(row.supervised for row in rows)
    below, above = token_operations(network)
    above += above // 2 * recompute
    at_head = (8 if trains_head else 4) * supervised * hidden * vocabulary
    operations = number(settings.epochs) * (above * sum(sizes) + at_head)
    operations += below * (trunk_tokens or number(settings.epochs) * sum(sizes))
    return TrainPlan(
        rows=len(rows),
        tokens=sum(len(row.ids) for row in rows),
        supervised_tokens=supervised,
        unique_tokens=sum(sizes),
        steps=order.steps_per_epoch * number(settings.epochs),
        trained_parameters=trained,
        budget=budget,
        recompute=recompute,
        trunk_bytes=4 * trunk_tokens * hidden,
        peak_bytes=now.used + fixed + token_bytes * max(sizes),
        seconds=operations / (PRODUCT_SHARE * compute.gflops * 1e9),
        choices=tuple(choices),
    )


def _kept_products(layers: Collection[lora.LoraLinear]) -> int:
    """Weights of W' that training will hold beside W."""
    passing = [layer for layer in layers if isinstance(layer.weight, Quantized) or layer.apart]
    kept = sum(layer.weight.numel() for layer in layers if not layer.kept and layer not in passing)
    few = [layer.weight.numel() for layer in passing if isinstance(layer.weight, Quantized)]
    return kept + 3 * max(few, default=0)  # made for each product


def _trunk(network: Any, *sets: Sequence[TokenRow]) -> tuple[int, list[Choice]]:
    """Tokens whose states below the first adapter are kept, and that choice.

    None of a model that does not share, and the choice says why.
    """
    if not shares(network):
        return 0, [Choice("prefix sharing", "off: one row a tree", REASON)]
    first = first_adapted_block(network)
    if not first:
        return 0, []
    tokens = sum(unique_tokens(rows) for rows in sets)
    size = 4 * tokens * network.get_output_embeddings().weight.shape[1]
    name = f"the {first} blocks below the adapters"
    said = f"training does not change what they make of {tokens} unique tokens"
    if size <= TRUNK_BYTES:
        return tokens, [Choice(name, "computed once", f"{said}: {size / 2**20:.1f} MiB are kept")]
    reason = f"{said}, but that is more than {TRUNK_BYTES / 2**30:.0f} GiB"
    return 0, [Choice(name, "computed in each step", reason)]


def token_operations(network: Any) -> tuple[int, int]:
    """Operations of one token in all linear layers below the first adapter, and from there on.

    A product of P weights takes 2 P forward and, where there is a backward pass, 2 P for the
    gradient of its input; where the weight itself is trained, 2 P more.
    """
    head = network.get_output_embeddings()
    first = first_adapted_block(network)
    below = above = 0
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | lora.LoraLinear) and module is not head:
            if (block_of(name) or 0) < first:
                below += 2 * module.weight.numel()
            else:
                above += (6 if module.weight.requires_grad else 4) * module.weight.numel()
    return below, above


def activation_bytes(network: Any, rows: Iterable[TokenRow]) -> int:
    """Bytes that one token's backward pass needs, measured on the start of a row."""
    row = max(rows, key=lambda row: len(row.ids))
    short = min(TRIAL_TOKENS if shares(network) else TRIAL_UNSHARED, len(row.ids))
    weights = (0.0,) + (1.0,) * (short - 1)  # the last block is computed for these alone
    kept: dict[int, int] = {}

    def count(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    owned = {p.untyped_storage().data_ptr() for p in network.parameters()}
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(count, lambda t: t):
        alive = target_logprobs(network, build_forest([TokenRow(row.ids[:short], weights)]))
    total = sum(size for pointer, size in kept.items() if pointer not in owned)
    del alive
    return max(1, total // short)


def _recomputed_bytes(network: Any, token_bytes: int, hidden: int) -> int:
    """Bytes a token when blocks keep their input alone and one of them is computed again."""
    running = max(1, len(blocks(network)) - first_adapted_block(network))
    return 4 * hidden * running + token_bytes // running


def _said_recompute(longest: int, needed: int, free_bytes: int) -> Choice:
    reason = (
        f"the longest row has {longest} tokens and would need {needed / 2**30:.1f} GiB, "
        f"{free_bytes / 2**30:.1f} GiB are free; so it needs less and takes half as long again"
    )
    return Choice("blocks", "computed again in the backward pass", reason)


def _check_room(longest: int, token_bytes: int, fixed: int, free_bytes: int) -> None:
    needed = fixed + longest * token_bytes
    if needed > free_bytes:
        raise UserError(
            f"The longest row has {longest} tokens and needs {needed / 2**30:.1f} GiB, even with "
            "blocks computed again in the backward pass; "
            f"{free_bytes / 2**30:.1f} GiB are free.",
            "Set data.max_tokens to leave out long rows, choose a smaller model, or close other "
            "programs.",
        )
