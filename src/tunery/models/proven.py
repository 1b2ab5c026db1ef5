"""The model types whose gradients are proven, each by tests on a tiny random model.

The proofs are in `tests/invariants/test_every_family.py`, which has a case for each type here.
"""

from __future__ import annotations

from collections.abc import Mapping

PROVEN: Mapping[str, str] = {
    "apertus": "Apertus",
    "arcee": "Arcee (AFM)",
    "cohere": "Command R",
    "cohere2": "Command R7B, sliding windows",
    "ernie4_5": "ERNIE 4.5, dense",
    "exaone4": "EXAONE 4, sliding windows",
    "gemma": "Gemma 1",
    "gemma2": "Gemma 2, sliding windows and capped scores",
    "gemma3_text": "Gemma 3, sliding windows",
    "glm": "GLM 4, 0414 and before",
    "glm4": "GLM 4, newer",
    "gpt_neox": "Pythia, GPT-NeoX",
    "granite": "Granite 3, dense",
    "helium": "Helium",
    "hunyuan_v1_dense": "Hunyuan, dense",
    "llama": "Llama, SmolLM, SmolLM2, TinyLlama",
    "mistral": "Mistral, sliding windows",
    "olmo": "OLMo 1",
    "olmo2": "OLMo 2",
    "olmo3": "OLMo 3, sliding windows",
    "opt": "OPT",
    "phi": "Phi 1 and 2",
    "phi3": "Phi 3, Phi 4, sliding windows",
    "qwen2": "Qwen 2, Qwen 2.5, sliding windows",
    "qwen3": "Qwen 3, dense, sliding windows",
    "seed_oss": "Seed-OSS",
    "smollm3": "SmolLM3",
    "starcoder2": "StarCoder 2, sliding windows",
}
"""Type, as in `config.json`, to the models that are of it."""
