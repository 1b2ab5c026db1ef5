"""A GGUF file → a folder that transformers opens: safetensors, configuration and tokenizer.

Quantized weights are unpacked to float32 once, so that they can be trained. transformers has a
loader for this too; it needs `accelerate`, parses the file's header three times and matches names
in quadratic time: 38 s for the 135M weights of SmolLM2 on two cores, against 6 s here. Both give
the same weights, bit for bit.

Only this module of the package imports transformers to fetch a model, and `sources` imports it
only when there is a file to convert.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType
from gguf.quants import dequantize
from safetensors import SafetensorError
from safetensors.numpy import save_file
from tokenizers import pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    PreTrainedTokenizerFast,
)
from transformers.integrations.gguf import (
    GgufHeader,
    convert_gguf_tokenizer,
    get_gguf_tokenizer,
    read_gguf_metadata,
)
from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

from tunery.errors import FetchError

Array = np.ndarray[Any, np.dtype[np.float32]]

SHARD_BYTES = 2 * 10**9
"""Weights are written in files of about this size, so that memory holds one of them at a time."""

ARCHITECTURES = ("llama", "qwen2", "qwen3")
"""GGUF architectures whose tensors correspond one to one to those of transformers."""

_CONFIG_KEYS = {
    "context_length": "max_position_embeddings",
    "block_count": "num_hidden_layers",
    "embedding_length": "hidden_size",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
}

_TOP_TENSORS = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}

_BLOCK_TENSORS = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

_BYTE_LEVEL_DEFAULTS = ("default", "gpt-2")
"""Names under which GPT-2's own way of splitting text is stored."""


def convert_gguf(file: Path, folder: Path) -> None:
    """Writes the model of a GGUF file as safetensors, with all that is needed to use it.

    Args:
        file: The GGUF file.
        folder: Exists and is empty; receives `model*.safetensors`, `config.json`,
            `generation_config.json`, `tokenizer.json`, `tokenizer_config.json` and the chat
            template.

    Raises:
        FetchError: The file is damaged, or of a kind that cannot be converted faithfully.
    """
    try:
        metadata, names = read_gguf_metadata(str(file))
        header = GgufHeader.from_file(str(file))
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise FetchError(f"{file.name} cannot be read as a GGUF file: {error}.") from error
    end = max((header.data_start + t.offset + t.nbytes for t in header.tensors), default=0)
    if end > file.stat().st_size:
        raise FetchError(
            f"{file.name} has {file.stat().st_size} bytes, but its weights need {end}."
        )
    config = _config(file.name, metadata, names, header)
    tokenizer = _tokenizer(file, config.max_position_embeddings)
    _check_complete(file.name, header, config)
    _write_weights(file, header, config, folder)
    config.save_pretrained(folder)
    GenerationConfig(
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _config(
    name: str, metadata: Mapping[str, Any], tensors: tuple[str, ...], header: GgufHeader
) -> Any:
    """The transformers configuration that the file's metadata describes."""
    kind = metadata["general.architecture"]
    if kind not in ARCHITECTURES:
        raise FetchError(
            f"{name} holds a model of architecture {kind!r}; converted are "
            f"{', '.join(ARCHITECTURES)}.",
            "Use the model's safetensors from the Hugging Face Hub.",
        )
    scaling = metadata.get(f"{kind}.rope.scaling.type", "none")
    if scaling != "none" or "rope_freqs.weight" in tensors:
        raise FetchError(
            f"{name} scales its rotary positions, which a conversion would lose.",
            "Use the model's safetensors from the Hugging Face Hub.",
        )
    try:
        values = {key: metadata[f"{kind}.{source}"] for source, key in _CONFIG_KEYS.items()}
        epsilon = metadata[f"{kind}.attention.layer_norm_rms_epsilon"]
    except KeyError as error:
        raise FetchError(f"{name} lacks {error} in its metadata.") from None
    head_dim = values["hidden_size"] // values["num_attention_heads"]
    config = AutoConfig.for_model(
        kind,
        **values,
        head_dim=metadata.get(f"{kind}.attention.key_length", head_dim),
        # stored in float32; six digits bring back the number that was meant, 1e-05
        rms_norm_eps=float(f"{epsilon:.6g}"),
        rope_parameters={
            "rope_type": "default",
            "rope_theta": metadata.get(f"{kind}.rope.freq_base", 10000.0),
        },
        vocab_size=next(t.shape[0] for t in header.tensors if t.name == "token_embd.weight"),
        # the output layer is written only where it is not the embedding
        tie_word_embeddings="output.weight" not in tensors,
        attention_bias="blk.0.attn_q.bias" in tensors,
        bos_token_id=metadata.get("tokenizer.ggml.bos_token_id"),
        eos_token_id=metadata.get("tokenizer.ggml.eos_token_id"),
        pad_token_id=metadata.get("tokenizer.ggml.padding_token_id"),
        dtype="float32",
    )
    config.architectures = [type(_skeleton(config)).__name__]
    return config


def _skeleton(config: Any) -> Any:
    """The model without storage for its weights."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def _tokenizer(file: Path, context: int) -> Any:
    architecture, stored, settings = get_gguf_tokenizer(str(file))
    kind, split = stored.get("tokenizer_type"), stored.get("pre_tokenizer_type", "default")
    known = split in GGUF_PRE_TOKENIZER_SPLITS or split in ("smollm", *_BYTE_LEVEL_DEFAULTS)
    if kind == "gpt2" and not known:
        raise FetchError(
            f"{file.name} splits text in a way named {split!r}, which is not known; its tokens "
            "would be wrong.",
            "Use the model's safetensors from the Hugging Face Hub.",
        )
    try:
        backend, _ = convert_gguf_tokenizer(architecture, stored)
    except (ValueError, KeyError) as error:
        raise FetchError(f"The tokenizer of {file.name} cannot be converted: {error}.") from error
    if split == "smollm":
        # transformers leaves out what SmolLM does first: each digit is a piece of its own, so that
        # line ends before a number stay together
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=context,
        **{k: v for k, v in settings.items() if v is not None},
    )


def _check_complete(name: str, header: GgufHeader, config: Any) -> None:
    """Compares what the file holds with what the model needs, before anything is written."""
    needed = {key: tuple(value.shape) for key, value in _skeleton(config).state_dict().items()}
    if config.tie_word_embeddings:
        needed.pop("lm_head.weight")
    held = {_new_name(name, info.name): tuple(info.shape) for info in header.tensors}
    wrong = sorted(key for key in needed.keys() | held.keys() if needed.get(key) != held.get(key))
    if wrong:
        raise FetchError(
            f"{name} does not hold the weights that its metadata announce: {wrong[0]} is "
            f"{held.get(wrong[0], 'absent')}, expected {needed.get(wrong[0], 'absent')}"
            f"{f' (and {len(wrong) - 1} more)' if len(wrong) > 1 else ''}."
        )


def _new_name(file: str, name: str) -> str:
    """The name that transformers has for a tensor: blk.3.attn_q.weight, for one."""
    stem, _, suffix = name.rpartition(".")
    if stem in _TOP_TENSORS:
        return f"{_TOP_TENSORS[stem]}.{suffix}"
    parts = stem.split(".")
    if len(parts) == 3 and parts[0] == "blk" and parts[2] in _BLOCK_TENSORS:
        return f"model.layers.{parts[1]}.{_BLOCK_TENSORS[parts[2]]}.{suffix}"
    raise FetchError(f"{file} holds a tensor {name}, which has no place in the model.")


def _write_weights(file: Path, header: GgufHeader, config: Any, folder: Path) -> None:
    shards = list(_shards(header))
    index: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        name = "model.safetensors"
        if len(shards) > 1:
            name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        weights = {_new_name(file.name, t.name): _unpack(file, header, t, config) for t in shard}
        try:
            save_file(weights, folder / name, metadata={"format": "pt"})
        except SafetensorError as error:
            raise FetchError(f"{name} cannot be written: {error}.") from error
        index |= dict.fromkeys(weights, name)
    if len(shards) > 1:
        total = sum(4 * int(np.prod(info.shape)) for info in header.tensors)
        content = {"metadata": {"total_size": total}, "weight_map": index}
        (folder / "model.safetensors.index.json").write_text(json.dumps(content, indent=2), "utf-8")


def _shards(header: GgufHeader) -> Iterator[list[Any]]:
    """The tensors in groups of about `SHARD_BYTES`."""
    group: list[Any] = []
    size = 0
    for info in header.tensors:
        bytes_needed = 4 * int(np.prod(info.shape))
        if group and size + bytes_needed > SHARD_BYTES:
            yield group
            group, size = [], 0
        group.append(info)
        size += bytes_needed
    yield group


def _unpack(file: Path, header: GgufHeader, info: Any, config: Any) -> Array:
    """One tensor in float32, in the order of rows that transformers has."""
    start = header.data_start + info.offset
    raw = np.fromfile(file, dtype=np.uint8, count=info.nbytes, offset=start)
    rows = raw.reshape(*info.shape[:-1], -1)  # blocks never cross a row
    weights: Array = dequantize(rows, GGMLQuantizationType(info.ggml_type))
    weights = weights.reshape(info.shape)
    if config.model_type == "llama" and (".attn_q." in info.name or ".attn_k." in info.name):
        query = ".attn_q." in info.name
        heads = config.num_attention_heads if query else config.num_key_value_heads
        return _halves_first(weights, heads)
    return np.ascontiguousarray(weights, dtype=np.float32)


def _halves_first(weights: Array, heads: int) -> Array:
    """Undoes llama.cpp's order of a head's rows.

    It stores the two members of each rotated pair side by side; transformers wants all first
    members of a head, then all second ones.

    Args:
        weights: [heads * D, i], or [heads * D] for a bias.
        heads: Heads in the first axis.
    """
    pairs = weights.reshape(heads, -1, 2, *weights.shape[1:])  # [heads, D / 2, 2, i]
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(weights.shape), dtype=np.float32)
