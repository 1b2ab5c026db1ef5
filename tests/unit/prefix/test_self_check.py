"""The comparison before an unproven model is trained: right ones pass, wrong ones do not."""

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    DiffLlamaConfig,
    Gemma2Config,
    HeliumConfig,
    LlamaConfig,
)

from tunery.errors import UserError
from tunery.prefix import attention
from tunery.prefix.self_check import compare_with_plain
from tunery.testing import tiny_models
from tunery.testing.padded import row

SHAPE = tiny_models.SHAPE | {"head_dim": 8, "vocab_size": 60, "initializer_range": 0.3}
ROWS = [row([2, 3, 4, 5, *range(10, 10 + n)], [True] * (4 + n)) for n in (3, 9, 20)]


def opened(config):
    attention.register()
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(config).eval()
    network.set_attn_implementation(attention.NAME)
    return network


@pytest.mark.parametrize("config", [HeliumConfig(**SHAPE), Gemma2Config(**SHAPE)])
def test_a_model_that_is_computed_rightly_passes(config):
    network = opened(config)
    found = compare_with_plain(network, ROWS)
    assert found.rows == 4
    assert found.targets > 4 * 7
    assert found.difference < 1e-4
    assert network.config._attn_implementation == attention.NAME


def test_a_model_whose_logits_are_changed_on_the_way_is_refused():
    network = opened(LlamaConfig(**SHAPE))
    network.lm_head.register_forward_hook(lambda _layer, _given, logits: logits * 1.1)
    with pytest.raises(UserError, match=r"On 4 rows .* differ by up to .* expected at most 0\.001"):
        compare_with_plain(network, ROWS)


def test_a_model_that_mixes_neighbours_is_refused():
    network = opened(LlamaConfig(**SHAPE))
    network.model.layers[0].register_forward_hook(
        lambda _layer, _given, out: out + out.roll(1, dims=1)
    )
    with pytest.raises(UserError, match="differ by up to"):
        compare_with_plain(network, ROWS)


def test_a_model_that_would_answer_wrongly_is_refused():
    network = opened(DiffLlamaConfig(**SHAPE))  # asks for attention twice in a layer
    with pytest.raises(UserError, match="in decoding differ by up to"):
        compare_with_plain(network, ROWS)
