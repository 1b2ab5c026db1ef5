"""The numbers that shape a decoder model, and the number of weights that follows from them.

Plain arithmetic, so that a catalog or a plan can count before anything is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tunery.errors import UserError

Family = Literal["llama", "qwen2", "qwen3", "gemma3", "phi3"]


@dataclass(frozen=True, slots=True)
class FamilyTraits:
    """What all models of a family have in common.

    Attributes:
        norms_per_block: RMS norms over the hidden state in a block.
        query_key_norms: Queries and keys are normalised per head.
        lora_targets: Every linear layer of a block, by its last name.
        biases: The products for queries, keys and values have one.
    """

    norms_per_block: int
    query_key_norms: bool
    lora_targets: tuple[str, ...]
    biases: bool = False


_SEPARATE = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_FUSED = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")

FAMILIES: Mapping[Family, FamilyTraits] = {
    "llama": FamilyTraits(norms_per_block=2, query_key_norms=False, lora_targets=_SEPARATE),
    "qwen2": FamilyTraits(
        norms_per_block=2, query_key_norms=False, lora_targets=_SEPARATE, biases=True
    ),
    "qwen3": FamilyTraits(norms_per_block=2, query_key_norms=True, lora_targets=_SEPARATE),
    "gemma3": FamilyTraits(norms_per_block=4, query_key_norms=True, lora_targets=_SEPARATE),
    "phi3": FamilyTraits(norms_per_block=2, query_key_norms=False, lora_targets=_FUSED),
}

MODEL_TYPES: Mapping[str, Family] = {
    "llama": "llama",
    "mistral": "llama",
    "smollm3": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma3_text": "gemma3",
    "phi3": "phi3",
}

_TIED = ("gemma3_text", "smollm3")
"""Model types whose output layer is the embedding when `config.json` does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A decoder with grouped attention and a gated feed-forward layer in each block.

    Attributes:
        family: Which names and norms its blocks have.
        hidden_size: d, width of the hidden state.
        layers: Number of blocks.
        intermediate_size: f, width inside the feed-forward layer.
        heads: Query heads.
        kv_heads: Key and value heads.
        head_dim: Width of a head.
        vocabulary: V, rows of the embedding.
        tied_embeddings: The output layer is the embedding.
        sliding_window: Tokens that a windowed block looks back; None if every block sees all.
    """

    family: Family
    hidden_size: int
    layers: int
    intermediate_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied_embeddings: bool
    sliding_window: int | None = None

    @property
    def traits(self) -> FamilyTraits:
        """What its family has in common."""
        return FAMILIES[self.family]

    @property
    def query_size(self) -> int:
        """Width of all queries of a token; also of the attention's output."""
        return self.heads * self.head_dim

    @property
    def key_size(self) -> int:
        """Width of all keys of a token; also of its values."""
        return self.kv_heads * self.head_dim

    @property
    def block_linear_weights(self) -> int:
        """Weights of the linear layers of all blocks: those that LoRA adapts by default."""
        attention = 2 * self.hidden_size * self.query_size + 2 * self.hidden_size * self.key_size
        feed_forward = 3 * self.hidden_size * self.intermediate_size
        return self.layers * (attention + feed_forward)

    @property
    def parameters(self) -> int:
        """All weights; a tied output layer counts once."""
        traits = self.traits
        norms = traits.norms_per_block * self.hidden_size
        norms += 2 * self.head_dim if traits.query_key_norms else 0
        biases = self.query_size + 2 * self.key_size if traits.biases else 0
        embeddings = self.vocabulary * self.hidden_size * (1 if self.tied_embeddings else 2)
        small = self.layers * (norms + biases) + self.hidden_size
        return embeddings + self.block_linear_weights + small

    def lora_parameters(self, rank: int) -> int:
        """Weights of LoRA matrices on every linear layer of a block: rank x (inputs + outputs)."""
        d, f, q, k = self.hidden_size, self.intermediate_size, self.query_size, self.key_size
        if self.traits.lora_targets == _FUSED:
            sides = (d + q + 2 * k) + (q + d) + (d + 2 * f) + (f + d)
        else:
            sides = (d + q) + 2 * (d + k) + (q + d) + 2 * (d + f) + (f + d)
        return self.layers * rank * sides


def read_architecture(config: Mapping[str, Any]) -> Architecture:
    """The numbers of a transformers `config.json`.

    Args:
        config: Its content.

    Raises:
        UserError: The model type is not one whose numbers are known, or a number is missing.
    """
    model_type = str(config.get("model_type"))
    if model_type not in MODEL_TYPES:
        raise UserError(
            f"The model type is {model_type!r}; memory is known for {', '.join(MODEL_TYPES)}."
        )
    try:
        heads = int(config["num_attention_heads"])
        hidden = int(config["hidden_size"])
        return Architecture(
            family=MODEL_TYPES[model_type],
            hidden_size=hidden,
            layers=int(config["num_hidden_layers"]),
            intermediate_size=int(config["intermediate_size"]),
            heads=heads,
            kv_heads=int(config.get("num_key_value_heads") or heads),
            head_dim=int(config.get("head_dim") or hidden // heads),
            vocabulary=int(config["vocab_size"]),
            tied_embeddings=bool(config.get("tie_word_embeddings", model_type in _TIED)),
            sliding_window=config.get("sliding_window"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"config.json lacks a number of the architecture: {error}.") from None
