import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tunery.errors import UserError
from tunery.models.architecture import FAMILIES, MODEL_TYPES, Architecture, read_architecture
from tunery.models.catalog import find, load_catalog
from tunery.models.footprint import (
    GIB,
    activation_bytes_per_token,
    footprint,
    full_terms,
    inference_terms,
    lora_terms,
)

SMOLLM2 = find("smollm2-135m-instruct").architecture
TINY = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "intermediate_size": 160,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 500,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}


@pytest.mark.parametrize("model_type", list(MODEL_TYPES))
@pytest.mark.parametrize("tied", [True, False])
def test_counts_equal_those_of_the_real_model(model_type, tied):
    config = AutoConfig.for_model(model_type, **TINY, tie_word_embeddings=tied)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    shape = read_architecture(json.loads(config.to_json_string()))
    assert shape.parameters == model.num_parameters()
    linear = {
        name: module.weight
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name != "lm_head"
    }
    assert {name.rpartition(".")[2] for name in linear} == set(shape.traits.lora_targets)
    assert shape.block_linear_weights == sum(weight.numel() for weight in linear.values())
    assert shape.lora_parameters(rank=8) == sum(8 * sum(w.shape) for w in linear.values())


def test_counts_use_what_a_configuration_leaves_out():
    config = {k: v for k, v in TINY.items() if k not in ("head_dim", "num_key_value_heads")}
    shape = read_architecture({"model_type": "llama", **config})
    assert (shape.head_dim, shape.kv_heads, shape.tied_embeddings) == (16, 4, False)
    assert read_architecture({"model_type": "gemma3_text", **config}).tied_embeddings


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "mamba"}, "The model type is 'mamba'; memory is known for llama"),
        ({}, "The model type is 'None'"),
        ({"model_type": "llama", "hidden_size": 4}, "lacks a number .* 'num_attention_heads'"),
        ({"model_type": "llama", **TINY, "vocab_size": "many"}, "lacks a number"),
    ],
)
def test_unknown_architecture_is_told(config, message):
    with pytest.raises(UserError, match=message):
        read_architecture(config)


def test_activations_are_what_was_measured_on_smollm2():
    # 831,308 bytes a token, by summing the tensors that autograd keeps for one pass
    assert activation_bytes_per_token(SMOLLM2, joined=True) == pytest.approx(831_308, rel=0.01)


def test_families_differ_where_their_blocks_do():
    by_family = {
        family: activation_bytes_per_token(replace(SMOLLM2, family=family), joined=family != "phi3")
        for family in FAMILIES
    }
    assert by_family["llama"] < by_family["qwen3"] < by_family["gemma3"]
    assert by_family["llama"] < by_family["phi3"]


def test_terms_add_up_to_the_footprint():
    result = footprint(SMOLLM2, train_tokens=100, serve_tokens=50, rank=4)
    assert result.inference_gib * GIB == sum(inference_terms(SMOLLM2, 50).values())
    assert result.lora_gib * GIB == sum(lora_terms(SMOLLM2, 100, 4).values())
    assert result.full_gib * GIB == sum(full_terms(SMOLLM2, 100).values())


def test_terms_by_hand():
    shape = Architecture(
        family="llama",
        hidden_size=2,
        layers=3,
        intermediate_size=5,
        heads=1,
        kv_heads=1,
        head_dim=2,
        vocabulary=7,
        tied_embeddings=False,
    )
    linear = 3 * (4 * 4 + 3 * 10)
    weights = 2 * 14 + linear + 3 * 4 + 2
    assert (shape.block_linear_weights, shape.parameters) == (linear, weights)
    terms = lora_terms(shape, tokens=11, rank=1)
    assert terms["weights"] == 4 * weights
    assert terms["merged weights"] == 4 * linear
    assert terms["adapter"] == 20 * 3 * (4 * 4 + 3 * 7)
    assert terms["activations"] == 11 * 4 * 3 * (4 * 2 + 2 * 2 + 2 * 2 + 2 * 5)
    assert terms["backward"] == 11 * 4 * (2 * 2 + 3 * 5)
    assert terms["output layer"] == 2 * 4 * 512 * 4096
    assert inference_terms(shape, tokens=11)["cache"] == 11 * 3 * 2 * 4 * 2
    full = full_terms(shape, tokens=11)
    assert full["gradients"] + full["moments"] == 12 * weights


def test_quickstart_fits_its_limit():
    assert footprint(SMOLLM2, train_tokens=1200).lora_gib < 4


@pytest.mark.parametrize("name", load_catalog())
def test_methods_cost_more_the_more_they_train(name):
    result = find(name).footprint
    assert 0 < result.inference_gib < result.lora_gib < result.full_gib
