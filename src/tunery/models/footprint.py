"""Memory that a model needs, per method, from the numbers of its architecture.

Everything is float32, 4 bytes a number. With P weights, of which M in the linear layers of the
blocks, A adapter weights, T tokens computed at once, h hidden size, f feed-forward size, q and k
the width of a token's queries and keys, V the vocabulary:

    inference   process + 4 P + cache + output layer
    lora        process + 4 P + 4 M + 20 A + activations + backward + output layer
    full        process + 4 P + 12 P + activations + backward + output layer

- 4 M: the merged weights W + s B A of each adapted layer, kept beside W.
- 20 A: adapter weight, gradient, two moments of AdamW and the copy that is being saved.
- 12 P: gradient and two moments of AdamW.
- activations: what the backward pass of T tokens reads again. A Llama block keeps its input, both
  norms' outputs and the state after attention (4 h), rotated queries and the attention's output
  (2 q), rotated keys and values (2 k), and the gate and the other branch (2 f):
  4 (4 h + 2 q + 2 k + 2 f) bytes a token and block. A gated layer that is not one operation
  (`prefix.gated`) also keeps the activation and the product (2 f). Norms of queries and keys keep
  their inputs too (q + k), norms after attention and feed-forward likewise (2 h), and a fused
  projection keeps queries and keys with the values (q + k). On SmolLM2-135M this gives 829,440
  bytes a token, of 831,308 measured.
- backward: gradients inside one block, 4 (2 h + 3 f) bytes a token.
- output layer: scores of one block of the vocabulary, twice.
- cache: keys and values, 8 k bytes a token and block.
"""

from __future__ import annotations

from dataclasses import dataclass

from tunery.models.architecture import Architecture

BYTES = 4
GIB = 2**30

PROCESS_BYTES = 400 * 2**20
"""Python with torch and transformers loaded, before any model."""

OUTPUT_LAYER_BYTES = 2 * BYTES * 512 * 4096
"""Scores at the output layer that training holds at once, whatever the vocabulary."""

TRAIN_TOKENS = 2048
"""Tokens computed at once in training that the catalog reckons with."""

SERVE_TOKENS = 4096
"""Tokens in the cache, over all answers at once, that the catalog reckons with."""

RANK = 16
"""LoRA rank that the catalog reckons with; the least that `method.rank: auto` takes."""

Terms = dict[str, int]
"""Name of a term to its bytes."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of a process per method, in GiB."""

    inference_gib: float
    lora_gib: float
    full_gib: float


def footprint(
    shape: Architecture,
    *,
    train_tokens: int = TRAIN_TOKENS,
    serve_tokens: int = SERVE_TOKENS,
    rank: int = RANK,
) -> Footprint:
    """What the methods need.

    Args:
        shape: The model's numbers.
        train_tokens: Tokens computed at once in training.
        serve_tokens: Tokens in the cache in inference.
        rank: Of the LoRA matrices on every linear layer of a block.
    """
    return Footprint(
        inference_gib=sum(inference_terms(shape, serve_tokens).values()) / GIB,
        lora_gib=sum(lora_terms(shape, train_tokens, rank).values()) / GIB,
        full_gib=sum(full_terms(shape, train_tokens).values()) / GIB,
    )


def inference_terms(shape: Architecture, tokens: int) -> Terms:
    """Bytes of answering with `tokens` tokens in the cache, term by term."""
    return {
        "process": PROCESS_BYTES,
        "weights": BYTES * shape.parameters,
        "cache": 2 * BYTES * shape.layers * shape.key_size * tokens,
        "output layer": OUTPUT_LAYER_BYTES,
    }


def lora_terms(shape: Architecture, tokens: int, rank: int) -> Terms:
    """Bytes of LoRA training with `tokens` tokens at once, term by term."""
    return {
        "process": PROCESS_BYTES,
        "weights": BYTES * shape.parameters,
        "merged weights": BYTES * shape.block_linear_weights,
        "adapter": 5 * BYTES * shape.lora_parameters(rank),
        "activations": activation_bytes_per_token(shape, joined=_joined(shape)) * tokens,
        "backward": _backward_bytes_per_token(shape) * tokens,
        "output layer": OUTPUT_LAYER_BYTES,
    }


def full_terms(shape: Architecture, tokens: int) -> Terms:
    """Bytes of training every weight with `tokens` tokens at once, term by term."""
    return {
        "process": PROCESS_BYTES,
        "weights": BYTES * shape.parameters,
        "gradients": BYTES * shape.parameters,
        "moments": 2 * BYTES * shape.parameters,
        "activations": activation_bytes_per_token(shape, joined=False) * tokens,
        "backward": _backward_bytes_per_token(shape) * tokens,
        "output layer": OUTPUT_LAYER_BYTES,
    }


def activation_bytes_per_token(shape: Architecture, *, joined: bool) -> int:
    """Bytes that the backward pass keeps for one token, over all blocks.

    Args:
        shape: The model.
        joined: The gated layers are one operation each, as LoRA on separate products makes them.
    """
    d, f, q, k = shape.hidden_size, shape.intermediate_size, shape.query_size, shape.key_size
    numbers = 4 * d + 2 * q + 2 * k + (2 if joined else 4) * f
    if shape.traits.query_key_norms:
        numbers += q + k
    if "qkv_proj" in shape.traits.lora_targets:
        numbers += q + k
    if shape.traits.norms_per_block == 4:
        numbers += 2 * d
    return BYTES * shape.layers * numbers


def _backward_bytes_per_token(shape: Architecture) -> int:
    return BYTES * (2 * shape.hidden_size + 3 * shape.intermediate_size)


def _joined(shape: Architecture) -> bool:
    return "gate_proj" in shape.traits.lora_targets
