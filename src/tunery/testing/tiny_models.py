"""Random models that are small enough for a test of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML, without a default system prompt."""


SHAPE: dict[str, Any] = {
    "vocab_size": 258,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.2,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
"""Sizes of a tiny model, as most families' configurations name them; weights large enough to tell
one computation from another."""


def tiny_tokenizer() -> Any:
    """A byte-level tokenizer with ChatML's control tokens: 258 ids, one a byte and two more."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<|im_start|>": 0, "<|im_end|>": 1}
    vocabulary |= {char: index + 2 for index, char in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        chat_template=CHAT_TEMPLATE,
    )


def tiny_llama(seed: int = 0, **changes: Any) -> Any:
    """A random Llama of two layers, with grouped-query attention, in evaluation mode.

    Args:
        seed: Of its weights.
        changes: Entries of its `LlamaConfig` to set otherwise.
    """
    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    network = LlamaForCausalLM(
        LlamaConfig(**(SHAPE | {"tie_word_embeddings": True} | changes))
    ).eval()
    torch.random.set_rng_state(state)
    return network


def save_tiny_model(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """Writes a tiny Llama and its tokenizer as a model folder; returns the folder."""
    tiny_llama(seed, **changes).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder
