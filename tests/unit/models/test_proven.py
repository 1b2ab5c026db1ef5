"""What is in the way of a model type is read from its configuration."""

import json

import pytest
from transformers import AutoConfig

from tunery.models.proven import PROVEN, UNSHARED, obstacle

EXPERTS = [
    "mixtral",
    "qwen2_moe",
    "qwen3_moe",
    "olmoe",
    "gpt_oss",
    "granitemoe",
    "phimoe",
    "deepseek_v3",
    "flex_olmo",
    "jetmoe",
    "dbrx",
    "ernie4_5_moe",
    "glm4_moe",
    "llama4_text",
    "hunyuan_v1_moe",
    "jamba",
    "granitemoehybrid",
    "qwen3_next",
    "minimax",
    "llama4",
    "qwen3_5_moe",
    "qwen3_vl_moe",
    "glm4v_moe",
    "qwen3_omni_moe",
]
CARRIED = [
    "zamba",
    "zamba2",
    "rwkv",
    "xlstm",
]

WITH_MEDIA = {
    "gemma3": "text and images",
    "mistral3": "text and images",
    "qwen3_5": "text and images",
    "voxtral": "text and sound",
    "gemma3n": "text, images and sound",
    "qwen2_5_omni": "text, images and sound",
}


def written(kind):
    """What `save_pretrained` would write into `config.json`."""
    return json.loads(AutoConfig.for_model(kind).to_json_string())


@pytest.mark.parametrize("kind", EXPERTS)
def test_mixtures_of_experts_are_told(kind):
    assert "mixture of experts" in str(obstacle(written(kind)))


@pytest.mark.parametrize("kind", CARRIED)
def test_state_spaces_and_hybrids_are_told(kind):
    assert "carry a state" in str(obstacle(written(kind)))


@pytest.mark.parametrize("kind", WITH_MEDIA)
def test_models_for_more_than_text_are_told(kind):
    assert obstacle(written(kind)) == (
        f"it is a model for {WITH_MEDIA[kind]}; its text part is not loaded here"
    )


def test_a_dense_model_that_carries_a_number_of_experts_is_no_mixture():
    dense = written("doge")
    assert dense["num_experts"] > 1
    assert obstacle(dense | {"is_moe": False}) is None
    assert "mixture of experts" in str(obstacle(dense | {"is_moe": True}))
    inside = {
        "text_config": {"num_experts": 8, "enable_moe_block": False},
        "vision_config": {"a": 1},
    }
    assert "text and images" in str(obstacle(inside))


@pytest.mark.parametrize("kind", [*PROVEN, *UNSHARED])
def test_nothing_is_in_the_way_of_what_is_proven(kind):
    without_experts = {"num_local_experts": 0} if kind == "granitemoehybrid" else {}
    assert obstacle(written(kind) | without_experts) is None
