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
]
CARRIED = [
    "zamba",
    "zamba2",
    "rwkv",
    "xlstm",
]


def written(kind):
    """What `save_pretrained` would write into `config.json`."""
    return json.loads(AutoConfig.for_model(kind).to_json_string())


@pytest.mark.parametrize("kind", EXPERTS)
def test_mixtures_of_experts_are_told(kind):
    assert "mixture of experts" in str(obstacle(written(kind)))


@pytest.mark.parametrize("kind", CARRIED)
def test_state_spaces_and_hybrids_are_told(kind):
    assert "carry a state" in str(obstacle(written(kind)))


@pytest.mark.parametrize("kind", [*PROVEN, *UNSHARED])
def test_nothing_is_in_the_way_of_what_is_proven(kind):
    without_experts = {"num_local_experts": 0} if kind == "granitemoehybrid" else {}
    assert obstacle(written(kind) | without_experts) is None
