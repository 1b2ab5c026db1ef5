"""LoRA adapters on disk, in the format of PEFT.

A folder holds `adapter_config.json` and `adapter_model.safetensors`, so PEFT, vLLM and llama.cpp's
converter read it too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunery.errors import MismatchError, NotFoundError, UserError

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
PREFIX = "base_model.model."
QUANTIZE = "tunery_quantize"
"""In the metadata of the weights: PEFT's configuration has no place for it."""

MAGNITUDE = "lora_magnitude_vector"
ROWS = "token_adapter.trainable_tokens_delta"
PLAIN: dict[str, Any] = {
    "peft_type": "LORA",
    "bias": "none",
    "lora_bias": False,
    "fan_in_fan_out": False,
    "rank_pattern": {},
    "alpha_pattern": {},
}
"""What `adapter_config.json` says of an adapter that trains nothing but the layers it names."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter.

    Attributes:
        base: Name of the base model, as a user would write it.
        rank: Rank r of the matrices.
        alpha: The scale is alpha / rank, or alpha / sqrt(rank) with `rslora`.
        targets: Last parts of the names of the layers, such as `q_proj`, or full names.
        factors: Full layer name to (A [r, inputs], B [outputs, r]).
        rslora: The scale is rank-stabilised (Kalajdzievski 2023).
        magnitudes: Full layer name to the lengths of its rows, [outputs]; empty without DoRA.
        quantize: Format of the base weights that it was trained on; None for float32.
        dropout: Share of its inputs that training dropped; nothing is dropped afterwards.
        tables: Full names of embedding and output layer to their weights, [V, d].
        token_ids: Tokens whose rows are trained, n of them.
        rows: Full name of embedding or output layer to their rows, [n, d]; one for tied ones.
    """

    base: str
    rank: int
    alpha: float
    targets: tuple[str, ...]
    factors: Mapping[str, tuple[Tensor, Tensor]]
    rslora: bool = False
    magnitudes: Mapping[str, Tensor] = field(default_factory=dict)
    quantize: Literal["nf4", "int8"] | None = None
    dropout: float = 0.0
    tables: Mapping[str, Tensor] = field(default_factory=dict)
    token_ids: tuple[int, ...] = ()
    rows: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def own_embedding(self) -> bool:
        """Whether it has rows or tables besides its layers."""
        return bool(self.tables or self.rows)

    @property
    def scale(self) -> float:
        """Factor on B A."""
        return self.alpha / (math.sqrt(self.rank) if self.rslora else self.rank)


def block_of(name: str) -> int | None:
    """Index of the block that a layer belongs to, by its name; None if it is in none."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def save_adapter(adapter: Adapter, folder: Path) -> None:
    """Writes an adapter; the folder is created."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    for name, (a, b) in adapter.factors.items():
        tensors[f"{PREFIX}{name}.lora_A.weight"] = a.detach().contiguous().clone()
        tensors[f"{PREFIX}{name}.lora_B.weight"] = b.detach().contiguous().clone()
    for name, magnitude in adapter.magnitudes.items():
        tensors[f"{PREFIX}{name}.{MAGNITUDE}"] = magnitude.detach().contiguous().clone()
    for name, table in adapter.tables.items():
        tensors[f"{PREFIX}{name}.weight"] = table.detach().contiguous().clone()
    for name, rows in adapter.rows.items():
        tensors[f"{PREFIX}{name}.{ROWS}"] = rows.detach().contiguous().clone()
    about = {} if adapter.quantize is None else {QUANTIZE: adapter.quantize}
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"} | about)
    blocks = {block for name in adapter.factors if (block := block_of(name)) is not None}
    in_full = any("." in target for target in adapter.targets)
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": adapter.base,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": adapter.dropout,
        "target_modules": sorted(adapter.targets),
        "layers_to_transform": None if in_full else sorted(blocks) or None,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "use_dora": bool(adapter.magnitudes),
        "use_rslora": adapter.rslora,
    } | _embedding_settings(adapter)
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _embedding_settings(adapter: Adapter) -> dict[str, Any]:
    """What PEFT must know to take the tables or the rows of an adapter."""
    found: dict[str, Any] = {}
    if adapter.tables:
        names = [name.rpartition(".")[2] for name in adapter.tables]
        first, *others = adapter.tables.values()
        tied = any(other is first or torch.equal(first, other) for other in others)
        found["modules_to_save"] = names[:1] if tied else names
        found["ensure_weight_tying"] = tied
    if adapter.rows:
        ids = list(adapter.token_ids)
        names = [name.rpartition(".")[2] for name in adapter.rows]
        found["trainable_token_indices"] = ids if len(names) == 1 else dict.fromkeys(names, ids)
    return found


def load_adapter(folder: Path) -> Adapter:
    """Reads an adapter that Tunery or PEFT wrote.

    Raises:
        NotFoundError: The folder holds no adapter.
        UserError: Its files cannot be read.
        MismatchError: It is of a kind that is not plain LoRA.
    """
    if not (folder / CONFIG_FILE).is_file() or not (folder / WEIGHTS_FILE).is_file():
        raise NotFoundError(
            f"{folder} holds no adapter: {CONFIG_FILE} and {WEIGHTS_FILE} are needed.",
            "Train one with `tunery train`.",
        )
    try:
        config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        tensors = load_file(folder / WEIGHTS_FILE)
        _check_plain(folder, config)
        with safe_open(folder / WEIGHTS_FILE, "pt") as file:
            kind = (file.metadata() or {}).get(QUANTIZE)
        if kind not in (None, "nf4", "int8"):
            raise ValueError(f"{QUANTIZE} is {kind!r}")
        return replace(_read(config, tensors), quantize=kind)
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise UserError(
            f"The adapter in {folder} is damaged: {error!r}.", "Train it again."
        ) from error


def _check_plain(folder: Path, config: dict[str, Any]) -> None:
    """Refuses what would be dropped silently: other kinds of adapters, other trained weights."""
    for key, plain in PLAIN.items():
        if (config.get(key) or plain) != plain:
            raise MismatchError(
                f"The adapter in {folder} has {key} = {config[key]!r}; expected {plain!r}.",
                "LoRA, rsLoRA and DoRA on linear layers can be loaded, and embeddings beside.",
            )


def _read(config: dict[str, Any], tensors: dict[str, Tensor]) -> Adapter:
    tensors = {name.removeprefix(PREFIX): each.to(torch.float32) for name, each in tensors.items()}
    names = [n.removesuffix(".lora_A.weight") for n in tensors if n.endswith(".lora_A.weight")]
    known = {f"{name}.lora_{factor}.weight" for name in names for factor in "AB"}
    tables, ids, rows = _embedding(config, tensors)
    known |= {f"{name}.weight" for name in tables} | {f"{name}.{ROWS}" for name in rows}
    if config.get("use_dora"):
        known |= {f"{name}.{MAGNITUDE}" for name in names}
    if known != set(tensors) or not names or int(config["r"]) < 1:
        odd = sorted(known ^ set(tensors))
        raise ValueError(f"tensors and settings are not those of LoRA: {odd[:3]}, r={config['r']}")
    targets = config["target_modules"]
    return Adapter(
        base=str(config.get("base_model_name_or_path", "")),
        rank=int(config["r"]),
        alpha=float(config["lora_alpha"]),
        targets=(targets,) if isinstance(targets, str) else tuple(targets),
        factors={n: (tensors[f"{n}.lora_A.weight"], tensors[f"{n}.lora_B.weight"]) for n in names},
        rslora=bool(config.get("use_rslora")),
        magnitudes={n: tensors[f"{n}.{MAGNITUDE}"] for n in names if config.get("use_dora")},
        tables=tables,
        token_ids=ids,
        rows=rows,
    )


def _embedding(
    config: dict[str, Any], tensors: dict[str, Tensor]
) -> tuple[dict[str, Tensor], tuple[int, ...], dict[str, Tensor]]:
    """Tables, ids and rows of `Adapter`, as the settings and names of tensors say."""
    saved = [str(name) for name in config.get("modules_to_save") or ()]
    layers = {
        name.removesuffix(".weight"): each
        for name, each in tensors.items()
        if name.endswith(".weight") and ".lora_" not in name
    }
    tied = bool(saved and config.get("ensure_weight_tying"))  # then PEFT names one and writes both
    tables = {n: each for n, each in layers.items() if tied or n.rpartition(".")[2] in saved}
    indices = config.get("trainable_token_indices") or []
    lists = list(indices.values()) if isinstance(indices, dict) else [indices]
    if any(each != lists[0] for each in lists):
        raise ValueError(f"trainable_token_indices differ: {indices}")
    ids = tuple(int(index) for index in lists[0])
    rows = {n.removesuffix(f".{ROWS}"): t for n, t in tensors.items() if n.endswith(f".{ROWS}")}
    odd = [n for n, t in [*tables.items(), *rows.items()] if t.dim() != 2]
    odd += [name for name, each in rows.items() if len(each) != len(ids) or min(ids) < 0]
    if odd or bool(tables) != bool(saved) or bool(ids) != bool(rows):
        raise ValueError(f"modules_to_save or trainable_token_indices do not fit: {odd or saved}")
    return tables, ids, rows
