"""Makes a loaded model trainable as `method` says."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tunery.config.method import MethodSection
from tunery.config.section import number
from tunery.models.adapters import Adapter, block_of
from tunery.models.load import LoadedModel
from tunery.prefix import lora
from tunery.prefix.attach import attach, initialise
from tunery.prefix.targets import is_pattern
from tunery.train.plan import Choice

RSLORA_ALPHA = 8.0
"""Default of `method.alpha` with `method.rslora`."""


@dataclass(frozen=True, slots=True)
class Trainable:
    """What a training changes.

    Attributes:
        adapter: What it makes; its tensors are the network's own parameters.
        parameters: All that is trained, in the order in which it is packed.
        identity: What must be the same for a checkpoint to be gone on from; JSON values.
        choices: What was chosen otherwise than was asked for.
    """

    adapter: Adapter
    parameters: tuple[Tensor, ...]
    identity: dict[str, Any]
    choices: tuple[Choice, ...]


def make_trainable(model: LoadedModel, method: MethodSection, seed: int) -> Trainable:
    """Gives the network untrained LoRA layers.

    Args:
        model: Its network is changed in place.
        method: What is trained, its targets named.
        seed: Of the first values of A.

    Raises:
        UserError: Targets or blocks are not those of the model.
    """
    network, targets = model.network, method.targets or ()
    rank = number(method.rank)
    alpha = _alpha(method)
    scale = alpha / (math.sqrt(rank) if method.rslora else rank)
    names = attach(
        network,
        targets,
        rank,
        scale,
        method.last_blocks,
        blocks=method.blocks,
        dora=method.dora,
    )
    initialise(network, seed)
    layers = lora.layers(network)
    adapter = Adapter(
        base=model.name,
        rank=rank,
        alpha=alpha,
        targets=tuple(names) if any(is_pattern(target) for target in targets) else targets,
        factors={name: (layer.lora_a, layer.lora_b) for name, layer in layers.items()},
        rslora=method.rslora,
        magnitudes={n: m for n, layer in layers.items() if (m := layer.magnitude) is not None},
    )
    if method.dora:
        lora.merge_all(network)  # so that the plan measures what a step keeps
    return Trainable(
        adapter=adapter,
        parameters=tuple(p for layer in layers.values() for p in layer.trained()),
        identity=_identity(adapter, network, method),
        choices=_choices(network, method),
    )


def _alpha(method: MethodSection) -> float:
    if method.alpha is not None:
        return method.alpha
    return RSLORA_ALPHA if method.rslora else 2.0 * number(method.rank)


def _identity(adapter: Adapter, network: Any, method: MethodSection) -> dict[str, Any]:
    weights = hashlib.sha256()  # the first row of each adapted layer tells models of a name apart
    for layer in lora.layers(network).values():
        weights.update(layer.weight[0].numpy().tobytes())
    return {
        "base": adapter.base,
        "rank": adapter.rank,
        "alpha": adapter.alpha,
        "rslora": adapter.rslora,
        "dora": method.dora,
        "targets": list(method.targets or ()),
        "blocks": sorted({b for n in adapter.factors if (b := block_of(n)) is not None}),
        "layers": hashlib.sha256(" ".join(adapter.factors).encode()).hexdigest(),
        "weights_sha256": weights.hexdigest(),
    }


def _choices(network: Any, method: MethodSection) -> tuple[Choice, ...]:
    count = network.config.get_text_config().num_hidden_layers
    if method.last_blocks is None or method.last_blocks <= count:
        return ()
    reason = f"method.last_blocks is {method.last_blocks}, the model has {count} blocks"
    return (Choice("blocks trained", f"all {count}", reason),)
