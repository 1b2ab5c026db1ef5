"""Makes a loaded model trainable as `method` says."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tunery.config.conflicts import check_conflicts
from tunery.config.method import MethodSection
from tunery.config.section import number
from tunery.models.adapters import Adapter, block_of
from tunery.models.load import LoadedModel
from tunery.prefix import lora
from tunery.prefix.attach import attach, initialise
from tunery.prefix.embeddings import train_rows, train_tables
from tunery.prefix.sharing import shares
from tunery.prefix.targets import is_pattern
from tunery.prefix.unfreeze import unfreeze
from tunery.train.plan import Choice

RSLORA_ALPHA = 8.0
"""Default of `method.alpha` with `method.rslora`."""


@dataclass(frozen=True, slots=True)
class Trainable:
    """What a training changes.

    Attributes:
        adapter: What it makes; its tensors are the network's own parameters. None if the
            network's weights themselves are trained.
        parameters: All that is trained, in the order in which it is packed.
        identity: What of this must be the same for a checkpoint to be gone on from; JSON values.
        choices: What was chosen otherwise than was asked for.
    """

    adapter: Adapter | None
    parameters: tuple[Tensor, ...]
    identity: dict[str, Any]
    choices: tuple[Choice, ...]


def make_trainable(model: LoadedModel, method: MethodSection, seed: int) -> Trainable:
    """Gives the network untrained LoRA layers, or lets its own weights be trained.

    Args:
        model: Its network is changed in place; it knows the new tokens, see `models.new_tokens`.
        method: What is trained; for LoRA with its targets named.
        seed: Of the first values of A.

    Raises:
        UserError: Targets or blocks are not those of the model, or settings exclude each other.
    """
    check_conflicts(method)
    return _whole(model, method) if method.kind == "full" else _adapter(model, method, seed)


def _whole(model: LoadedModel, method: MethodSection) -> Trainable:
    chosen = unfreeze(
        model.network, method.targets, blocks=method.blocks, last_blocks=method.last_blocks
    )
    size = 12 * sum(parameter.numel() for parameter in chosen.values()) / 2**30
    reason = "weights and two moments; train.keep_checkpoints says how many are kept"
    return Trainable(
        adapter=None,
        parameters=tuple(chosen.values()),
        identity=_identity(model.name, method, list(chosen)),
        choices=(
            *_choices(model.network, method),
            *_dropout(model.network, method),
            Choice("checkpoint", f"{size:.2f} GiB", reason),
        ),
    )


def _adapter(model: LoadedModel, method: MethodSection, seed: int) -> Trainable:
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
        quantize=method.quantize,
        dropout=method.dropout,
    )
    initialise(network, seed)
    layers = lora.layers(network)
    count, known = len(method.new_tokens), len(model.template.tokenizer) - len(method.new_tokens)
    tables = train_tables(network) if method.train_embeddings else {}
    rows = train_rows(network, known, count) if count and not tables else {}
    adapter = Adapter(
        base=model.name,
        rank=rank,
        alpha=alpha,
        targets=tuple(names) if any(is_pattern(target) for target in targets) else targets,
        factors={name: (layer.lora_a, layer.lora_b) for name, layer in layers.items()},
        rslora=method.rslora,
        magnitudes={n: m for n, layer in layers.items() if (m := layer.magnitude) is not None},
        quantize=method.quantize,
        dropout=method.dropout,
        tables=tables,
        token_ids=tuple(range(known, known + count)) if rows else (),
        rows=rows,
    )
    if method.dora:
        lora.merge_all(network)  # so that the plan measures what a step keeps
    extra = list({id(values): values for values in [*tables.values(), *rows.values()]}.values())
    own = {
        "rank": method.rank,
        "alpha": alpha,
        "rslora": method.rslora,
        "dora": method.dora,
        "quantize": method.quantize,
        "dropout": method.dropout,
        "new_tokens": list(method.new_tokens),
        "train_embeddings": method.train_embeddings,
    }
    return Trainable(
        adapter=adapter,
        parameters=(*(p for layer in layers.values() for p in layer.trained()), *extra),
        identity=_identity(model.name, method, names) | own,
        choices=(
            _adapter_choice(method, rank, scale),
            *_choices(network, method),
            *_dropout(network, method),
        ),
    )


def _adapter_choice(method: MethodSection, rank: int, scale: float) -> Choice:
    name = "DoRA" if method.dora else "rsLoRA" if method.rslora else "LoRA"
    over = "its root" if method.rslora else "rank"
    base = {None: "", "nf4": " on weights in NF4", "int8": " on weights in int8"}[method.quantize]
    reason = f"alpha {_alpha(method):g} over {over}"
    return Choice("adapter", f"{name}{base}, rank {rank}, scale {scale:.3g}", reason)


def _dropout(network: Any, method: MethodSection) -> list[Choice]:
    """What dropout, the adapter's or the model's own, means for this training."""
    found = []
    if method.dropout and shares(network):
        reason = f"with method.dropout {method.dropout:g} each row drops inputs of its own"
        found.append(Choice("prefix sharing", "off: one row a tree", reason))
    config = network.config.get_text_config().to_dict()
    own = [
        f"{name} {value:g}" for name, value in sorted(config.items()) if _is_dropout(name, value)
    ]
    if own:
        reason = "training adapters is usual without it, and a shared token can have one mask only"
        found.append(Choice(f"the model's own dropout ({', '.join(own)})", "off", reason))
    return found


def _is_dropout(name: str, value: Any) -> bool:
    named = "dropout" in name or name.endswith(("pdrop", "layerdrop"))
    return named and isinstance(value, float) and value > 0


def _alpha(method: MethodSection) -> float:
    if method.alpha is not None:
        return method.alpha
    return RSLORA_ALPHA if method.rslora else 2.0 * number(method.rank)


def _identity(base: str, method: MethodSection, names: list[str]) -> dict[str, Any]:
    return {
        "base": base,
        "kind": method.kind,
        "targets": list(method.targets or ()),
        "blocks": sorted({b for name in names if (b := block_of(name)) is not None}),
        "layers": hashlib.sha256(" ".join(names).encode()).hexdigest(),
    }


def _choices(network: Any, method: MethodSection) -> tuple[Choice, ...]:
    count = network.config.get_text_config().num_hidden_layers
    if method.last_blocks is None or method.last_blocks <= count:
        return ()
    reason = f"method.last_blocks is {method.last_blocks}, the model has {count} blocks"
    return (Choice("blocks trained", f"all {count}", reason),)
