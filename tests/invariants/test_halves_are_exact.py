"""Blocks computed as two halves: who gets them, and that gradients stay those of the plain form."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tunery.models.products import use_fastest_products
from tunery.prefix import attention, lora
from tunery.prefix.fuse import Fused, fuse_blocks, unfuse_blocks
from tunery.prefix.recompute import recompute_blocks
from tunery.prefix.states import Trunk, blocks
from tunery.prefix.targets import block_layers
from tunery.testing import tiny_models
from tunery.testing.padded import distance, reference, row, with_lora
from tunery.train.loop import accumulate, mean_loss

SHAPE = tiny_models.SHAPE | {"head_dim": 8, "max_position_embeddings": 65536}
HALVES = {
    "gemma": {},
    "llama": {"attention_bias": True},
    "ministral": {"sliding_window": 64},
    "mistral": {"sliding_window": 64},
    "qwen2": {},
    "qwen3": {},
    "seed_oss": {},
    "smollm3": {"no_rope_layers": [1, 1]},
}
OWN_CODE = {
    "ernie4_5": {},
    "granite": {"residual_multiplier": 0.4},
    "helium": {},
    "ministral3": {},  # scales its queries by position
    "olmo2": {},
    "phi3": {},
    "smollm3": {"no_rope_layers": [0, 0]},
}


def adapted(kind, changes, last_blocks=None):
    attention.register()
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **(SHAPE | changes))
    network = AutoModelForCausalLM.from_config(config).eval()
    for weight in network.parameters():
        if weight.ndim == 1:
            weight.data += 0.2 * torch.randn_like(weight)
    targets = block_layers(network)
    network = with_lora(network=network, targets=targets, last_blocks=last_blocks).double()
    for layer in lora.layers(network).values():
        layer.unmerge()
    lora.merge_all(network)
    return network


def rows(longest=40):
    start = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    tails = ([12], [12], [*range(20, 25)], [*range(20, 25), *range(40, 40 + longest)], [])
    found = [[*start, *tail] for tail in tails] + [[60, 61, 62, 63, 64]]
    return [row(ids, [i >= 4 for i in range(len(ids))]) for ids in found]


def assert_exact(network, given, trunk=None):
    expected, grads = reference(network, given)
    for budget in (10_000, 20):
        loss = accumulate(network, given, "sft", budget, trunk)[0]
        assert loss == pytest.approx(expected, rel=1e-6)
        assert distance(network, grads) < 1e-5
        network.zero_grad()


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("kind", HALVES)
def test_gradients_are_exact(kind, merged):
    network = adapted(kind, HALVES[kind])
    assert fuse_blocks(network, merged=merged) == 2
    assert_exact(network, rows())


@pytest.mark.parametrize("merged", [True, False])
def test_gradients_in_float32_by_the_library_that_training_takes(merged):
    use_fastest_products()
    network = adapted("llama", {}).float()
    for layer in lora.layers(network).values():
        layer.unmerge()
    lora.merge_all(network)
    assert fuse_blocks(network, merged=merged) == 2
    expected, grads = reference(network, rows())
    assert accumulate(network, rows(), "sft", 10_000)[0] == pytest.approx(expected, rel=1e-5)
    assert distance(network, grads) < 1e-5


def test_a_type_without_a_proof_is_not_tried():
    network = adapted("llama", {})
    network.config.model_type = "unknown"
    assert fuse_blocks(network) == 0


@pytest.mark.parametrize("kind", ["mistral", "qwen3"])
@pytest.mark.parametrize("merged", [True, False])
def test_rows_beyond_the_window_take_the_blocks_own_code(kind, merged):
    window = {"sliding_window": 16, "use_sliding_window": True, "max_window_layers": 0}
    network = adapted(kind, window)
    assert fuse_blocks(network, merged=merged) == 2
    assert_exact(network, rows(longest=8))
    assert_exact(network, rows(longest=30))


@pytest.mark.parametrize("kind", OWN_CODE)
def test_a_block_that_computes_something_else_keeps_its_own_code(kind):
    network = adapted(kind, OWN_CODE[kind])
    before = [block.forward for block in blocks(network)]
    assert fuse_blocks(network) == 0
    assert [block.forward for block in blocks(network)] == before
    assert_exact(network, rows())


@pytest.mark.parametrize("merged", [True, False])
def test_one_block_may_differ_from_the_others(merged):
    network = adapted("smollm3", {"no_rope_layers": [1, 0]})
    assert fuse_blocks(network, merged=merged) == 1
    apart = [layer.apart for layer in lora.layers(network).values()]
    assert apart == [not merged] * 7 + [False] * 7
    assert isinstance(blocks(network)[0].forward, Fused)
    assert_exact(network, rows())


def test_blocks_computed_again_are_halves_too():
    network = adapted("llama", {})
    expected, grads = reference(network, rows())
    assert fuse_blocks(network) == 2
    recompute_blocks(network)
    assert accumulate(network, rows(), "sft", 10_000)[0] == pytest.approx(expected, rel=1e-6)
    assert distance(network, grads) < 1e-5


def test_halves_above_a_kept_trunk():
    network = adapted("llama", {}, last_blocks=1)
    assert fuse_blocks(network) == 1
    trunk = Trunk(network, [rows()], 10_000)
    assert_exact(network, rows(), trunk)


def test_a_long_shared_prefix_and_its_pieces():
    torch.manual_seed(1)
    start = torch.randint(2, 250, (700,)).tolist()
    lengths = (1, 3, 70, 200)
    given = [
        row([*start, *torch.randint(2, 250, (n,)).tolist()], [False] * 690 + [True] * (10 + n))
        for n in lengths
    ]
    network = adapted("llama", {})
    assert fuse_blocks(network) == 2
    assert_exact(network, given)


@pytest.mark.parametrize("merged", [True, False])
def test_a_step_changes_what_halves_compute_and_own_code_follows(merged):
    network = adapted("qwen2", {})
    fuse_blocks(network, merged=merged)
    for layer in lora.layers(network).values():
        layer.lora_b.data.mul_(-0.5)
    lora.merge_all(network)
    assert_exact(network, rows())
    fused = mean_loss(network, rows(), "sft", 10_000)
    unfuse_blocks(network)
    assert mean_loss(network, rows(), "sft", 10_000) == pytest.approx(fused, rel=1e-6)
    assert not any(isinstance(block.forward, Fused) for block in blocks(network))
    assert all(layer.kept == merged for layer in lora.layers(network).values())
    lora.keep_all(network)
    assert all(layer.kept for layer in lora.layers(network).values())
    assert mean_loss(network, rows(), "sft", 10_000) == pytest.approx(fused, rel=1e-6)
    for layer in lora.layers(network).values():
        layer.unmerge()
        assert not layer.kept
        assert layer._place is None


def test_a_block_with_adapters_on_some_layers_keeps_its_own_code():
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(AutoConfig.for_model("llama", **SHAPE)).eval()
    assert fuse_blocks(with_lora(network=network, targets=["q_proj", "v_proj"])) == 0
