"""What must be the same for a checkpoint to be gone on from, and what had better be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch
import transformers

from tunery.config.train import TrainSection
from tunery.models.products import by_onednn
from tunery.models.token_row import TokenRow

FIRST_VALUES = 64
"""Values of each weight that tell it from another."""

VOLATILE = frozenset(
    {
        "transformers_version",
        "_name_or_path",
        "_attn_implementation",
        "_attn_implementation_internal",
    }
)
"""Keys of a model's configuration that say where it came from, not what it computes."""

STEERING = frozenset(
    {
        "micro_batch_tokens",
        "validate_every",
        "checkpoint_every",
        "keep_checkpoints",
        "threads",
        "divergence_factor",
    }
)
"""Keys of `train` that may differ."""


def identify_base(network: Any) -> dict[str, str]:
    """Tells a base model from others: hashes of its configuration and of its weights.

    Args:
        network: As it was loaded: before it gets adapters, and before a step changes it.
    """
    config = json.dumps(_lasting(network.config.to_dict()), sort_keys=True, default=str)
    weights = hashlib.sha256()
    for name, parameter in network.named_parameters():
        first = parameter.detach().reshape(-1)[:FIRST_VALUES].to(torch.float32)
        weights.update(f"{name} {tuple(parameter.shape)}".encode())
        weights.update(first.numpy().tobytes())
    return {
        "config_sha256": hashlib.sha256(config.encode()).hexdigest(),
        "weights_sha256": weights.hexdigest(),
    }


def identify(
    base: Mapping[str, Any],
    method: Mapping[str, Any],
    rows: Sequence[TokenRow],
    validation: Sequence[TokenRow],
    settings: TrainSection,
) -> dict[str, Any]:
    """Tells a training from others, in JSON values.

    Args:
        base: What `identify_base` gave.
        method: What is trained, see `Trainable.identity`.
        rows: The training rows.
        validation: Rows of the validation loss; they count where it decides when training ends.
        settings: How it is trained.
    """
    decides = settings.early_stopping is not None
    return {
        **method,
        **base,
        "rows_sha256": _rows_sha256(rows),
        "validation_sha256": _rows_sha256(validation) if decides else None,
        "tunery": version("tunery"),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        **settings.model_dump(exclude=set(STEERING)),
    }


def describe_rounding() -> dict[str, Any]:
    """What decides how sums of this process are rounded, besides the cut of a step."""
    return {
        "threads": torch.get_num_threads(),
        "products": "oneDNN" if by_onednn() else "torch's default",
    }


def _lasting(value: Any) -> Any:
    """A configuration without volatile keys, at any depth."""
    if isinstance(value, Mapping):
        return {str(k): _lasting(v) for k, v in value.items() if k not in VOLATILE}
    return [_lasting(item) for item in value] if isinstance(value, list | tuple) else value


def _rows_sha256(rows: Iterable[TokenRow]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr((row.ids, row.weights)).encode())
    return digest.hexdigest()
