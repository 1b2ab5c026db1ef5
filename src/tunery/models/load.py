"""A folder of model files to a model that computes on prefix forests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from tunery.errors import UserError
from tunery.models.chat_template import ChatTemplate
from tunery.models.cores import usable_cores
from tunery.models.products import use_fastest_products
from tunery.models.proven import PROVEN, UNSHARED, obstacle

NO_LIMIT = 2**20
"""Longest row, in tokens, of a model that has no positions and names no limit: a state space."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, frozen, with its template.

    Attributes:
        name: What the user calls it.
        network: The transformers causal language model, in evaluation mode.
        template: Its tokenizer and chat template.
        context: Longest row in tokens; see `context_of`.
        parameters: Number of weights; a tied output layer counts once.
    """

    name: str
    network: Any
    template: ChatTemplate
    context: int
    parameters: int


def open_model(
    name: str,
    folder: Path,
    *,
    attention: str,
    dtype: torch.dtype = torch.float32,
    unproven: bool = False,
) -> LoadedModel:
    """Loads a model from safetensors; code in the folder is never run.

    Args:
        name: What the user calls it.
        folder: Holds `config.json`, `*.safetensors` and the tokenizer's files.
        attention: transformers' `attn_implementation`, already registered; a type of
            `proven.UNSHARED` keeps its own.
        dtype: Of the weights in memory.
        unproven: Take a type without a proof too, see `models.proven`.

    Raises:
        UserError: The folder holds no model that can be loaded, or its type is refused.
    """
    transformers_logging.disable_progress_bar()
    if not (folder / "config.json").is_file() or not list(folder.glob("*.safetensors")):
        raise UserError(
            f"{folder} holds no model: config.json and *.safetensors are needed.",
            "Give a folder made by save_pretrained, or a name from `tunery models list`.",
        )
    try:
        kind = _check_family(name, folder, unproven=unproven)
        network, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            attn_implementation=None if kind in UNSHARED else attention,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
        if loading["missing_keys"]:
            raise UserError(
                f"{folder} lacks {len(loading['missing_keys'])} weights of its model, such as "
                f"{sorted(loading['missing_keys'])[0]}.",
                "Fetch the model again: `tunery models pull NAME --verify`.",
            )
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True
        )
    except UserError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise UserError(
            f"{folder} cannot be loaded as a model: {error}",
            "Fetch it again, or choose another: `tunery models list`.",
        ) from error
    network.eval().requires_grad_(requires_grad=False)
    return LoadedModel(
        name=name,
        network=network,
        template=ChatTemplate(tokenizer, end_ids(folder, tokenizer)),
        context=context_of(network.config.get_text_config()),
        parameters=network.num_parameters(),
    )


def _check_family(name: str, folder: Path, *, unproven: bool) -> str | None:
    """Refuses models that the engine computes wrongly, or may; returns the model's type."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    kind: str | None = config.get("model_type")
    if kind in PROVEN:
        return kind
    reason = obstacle(config)
    if reason:
        raise UserError(
            f"{name} is a model of type {kind!r}, which cannot be trained here: {reason}.",
            "Choose another base model: `tunery models list`.",
        )
    if kind not in UNSHARED and not unproven:
        raise UserError(
            f"{name} is a model of type {kind!r}; gradients are proven for "
            f"{', '.join([*PROVEN, *UNSHARED])}.",
            "Choose another base model (`tunery models list`), or train with --unproven: then the "
            "model is compared with the plain computation first.",
        )
    return kind


def context_of(config: Any) -> int:
    """Longest row in tokens.

    LongRoPE has other frequencies beyond the context that a model was made with, for the whole
    forward pass. Rows of one forest would change each other, so that context is the limit.
    """
    longest = int(getattr(config, "max_position_embeddings", None) or NO_LIMIT)
    rope: dict[str, Any] = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") != "longrope":
        return longest
    return min(longest, int(rope.get("original_max_position_embeddings") or longest))


def end_ids(folder: Path, tokenizer: Any) -> list[int]:
    """Ids of the tokens that end an answer, the one that the template writes first.

    Models name them in `generation_config.json`, in `config.json`, or only in the tokenizer.
    """
    found: list[int] = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
    for file in ("generation_config.json", "config.json"):
        path = folder / file
        value = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.exists() else None
        found.extend(value if isinstance(value, list) else [] if value is None else [value])
    return list(dict.fromkeys(found))


def set_threads(threads: int | None) -> int:
    """Sets the CPU threads of all products (one a usable core by default) and their library."""
    chosen = threads or usable_cores()
    torch.set_num_threads(chosen)
    use_fastest_products()
    return chosen
