"""The model types whose gradients are proven, and those that cannot be computed at all.

The proofs are in `tests/invariants/test_every_family.py` and `test_unshared_models.py` there,
on a tiny random model of each type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

PROVEN: Mapping[str, str] = {
    "apertus": "Apertus",
    "arcee": "Arcee (AFM)",
    "biogpt": "BioGPT",
    "cohere": "Command R",
    "cohere2": "Command R7B, sliding windows",
    "ernie4_5": "ERNIE 4.5, dense",
    "exaone4": "EXAONE 4, sliding windows",
    "gemma": "Gemma 1",
    "gemma2": "Gemma 2, sliding windows and capped scores",
    "gemma3_text": "Gemma 3, sliding windows",
    "glm": "GLM 4, 0414 and before",
    "glm4": "GLM 4, newer",
    "gpt_bigcode": "StarCoder 1, SantaCoder",
    "gpt_neox": "Pythia, GPT-NeoX",
    "granite": "Granite 3, dense",
    "helium": "Helium",
    "hunyuan_v1_dense": "Hunyuan, dense",
    "jais2": "Jais 2",
    "llama": "Llama, SmolLM, SmolLM2, TinyLlama",
    "ministral": "Ministral, sliding windows",
    "ministral3": "Ministral 3",
    "mistral": "Mistral, sliding windows",
    "nanochat": "nanochat",
    "olmo": "OLMo 1",
    "olmo2": "OLMo 2",
    "olmo3": "OLMo 3, sliding windows",
    "opt": "OPT",
    "persimmon": "Persimmon",
    "phi": "Phi 1 and 2",
    "phi3": "Phi 3, Phi 4, sliding windows",
    "qwen2": "Qwen 2, Qwen 2.5, sliding windows",
    "qwen3": "Qwen 3, dense, sliding windows",
    "seed_oss": "Seed-OSS",
    "smollm3": "SmolLM3",
    "starcoder2": "StarCoder 2, sliding windows",
    "vaultgemma": "VaultGemma, sliding windows and capped scores",
}
"""Type, as in `config.json`, to the models that are of it; a forest of them shares prefixes."""

UNSHARED: Mapping[str, str] = {
    "bamba": "Bamba",
    "falcon_h1": "Falcon-H1",
    "falcon_mamba": "Falcon Mamba",
    "granitemoehybrid": "Granite 4 hybrid, dense",
    "lfm2": "LFM 2",
    "mamba": "Mamba",
    "mamba2": "Mamba 2",
    "olmo_hybrid": "OLMo Hybrid",
    "qwen3_5_text": "Qwen 3.5, dense",
    "recurrent_gemma": "RecurrentGemma",
}
"""The same for models whose blocks carry a state from token to token: one row a tree."""

_EXPERTS = re.compile(r"num_(local_)?experts|n_routed_experts|moe_num_experts|ffn_config")
_MIXTURE = ("is_moe", "enable_moe_block")
"""Keys by which a model says whether it is a mixture; a dense one may carry counts all the same."""

_TEXT = ("text_config", "thinker_config")
"""Where a composite configuration has that of its text model."""

_MEDIA = {"vision_config": "images", "audio_config": "sound"}
_CARRIED = re.compile(
    r"mamba_d_\w+|(ssm_)?state_size|conv_L_cache|conv_kernel|lru_width|linear_\w+"
)
_CARRIED_TYPES = ("rwkv", "xlstm", "reformer")


def obstacle(config: Mapping[str, Any]) -> str | None:
    """Why nothing can be computed for a model; None if nothing is known to be in the way.

    Args:
        config: The content of its `config.json`.
    """
    parts = [config, *_text_parts(config)]
    if any(_is_mixture(part) for part in parts):
        return (
            "it is a mixture of experts, and the loss of its routers depends on which rows meet in "
            "a batch"
        )
    if config.get("model_type") in UNSHARED:
        return None
    media = [text for name, text in _MEDIA.items() if any(part.get(name) for part in parts)]
    if len(parts) > 1 and media:
        kinds = ["text", *media]
        return (
            f"it is a model for {', '.join(kinds[:-1])} and {kinds[-1]}; its text part is not "
            "loaded here"
        )
    given = [name for name, value in config.items() if value]
    if config.get("model_type") in _CARRIED_TYPES or any(_CARRIED.fullmatch(n) for n in given):
        return (
            "its blocks carry a state from token to token (state space, convolution or linear "
            "attention), and nobody has proven the gradients of this type"
        )
    return None


def _text_parts(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The configurations of text models inside a composite one, at any depth."""
    for name in _TEXT:
        part = config.get(name)
        if isinstance(part, Mapping):
            yield part
            yield from _text_parts(part)


def _is_mixture(config: Mapping[str, Any]) -> bool:
    if any(config.get(name) is False for name in _MIXTURE):
        return False
    return any(_EXPERTS.fullmatch(name) for name, value in config.items() if value)
