"""State-space and hybrid models, one row a tree: against the plain computation row by row."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from tunery.errors import MismatchError, UserError
from tunery.models.proven import UNSHARED
from tunery.prefix import lora
from tunery.prefix.attach import attach
from tunery.prefix.forest import build_forest
from tunery.prefix.sharing import called_layers
from tunery.prefix.states import hidden_states
from tunery.prefix.targets import block_layers
from tunery.serve.engines.decode import decode
from tunery.testing.padded import RANK, SCALE, ThreeProducts, distance, padded_loss, row
from tunery.train.loop import accumulate, mean_loss

SHAPE = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
    "max_position_embeddings": 512,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
MAMBA_2 = {
    "mamba_n_heads": 8,
    "mamba_d_head": 8,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "mamba_expand": 2,
    "mamba_chunk_size": 4,
}
LINEAR = {"layer_types": ["linear_attention", "full_attention"]}
CHANGES = {
    "bamba": {**MAMBA_2, "attn_layer_indices": [1]},
    "falcon_h1": {**MAMBA_2, "mamba_d_ssm": 64, "head_dim": 8, "lm_head_multiplier": 0.5},
    "falcon_mamba": {"state_size": 4, "time_step_rank": 4},
    "granitemoehybrid": {
        **MAMBA_2,
        "num_local_experts": 0,
        "shared_intermediate_size": 48,
        "layer_types": ["mamba", "attention"],
        "logits_scaling": 3.0,
    },
    "lfm2": {
        "layer_types": ["conv", "full_attention"],
        "block_ff_dim": 48,
        "block_auto_adjust_ff_dim": False,
    },
    "mamba": {"state_size": 4, "time_step_rank": 4},
    "mamba2": {"state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 4},
    "olmo_hybrid": LINEAR,
    "qwen3_5_text": {
        **LINEAR,
        "head_dim": 8,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    },
    "recurrent_gemma": {
        "lru_width": 32,
        "block_types": ["recurrent", "attention"],
        "attention_window_size": 6,
        "logits_soft_cap": 4.0,
    },
}


def tiny(kind):
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **(SHAPE | CHANGES[kind]))
    return AutoModelForCausalLM.from_config(config).eval().double()


def grown():
    """Rows with one start, copies and prefixes of each other, and one on its own."""
    start = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    tails = ([12], [12], [*range(20, 25)], [*range(20, 25), *range(40, 50)], [])
    rows = [[*start, *tail] for tail in tails] + [[60, 61, 62, 63]]
    return [row(ids, [i >= 3 for i in range(len(ids))]) for ids in rows]


def with_adapters(network, plain=False):
    """Random adapters in every layer that gets one by default."""
    attach(network, block_layers(network), RANK, SCALE)
    generator = torch.Generator().manual_seed(1)
    for layer in lora.layers(network).values():
        layer.double()
        layer.lora_a.data.normal_(0, 0.2, generator=generator)
        layer.lora_b.data.normal_(0, 0.2, generator=generator)
    if plain:
        for name in list(lora.layers(network)):
            parent, _, child = name.rpartition(".")
            owner = network.get_submodule(parent)
            setattr(owner, child, ThreeProducts(getattr(owner, child)))
    else:
        lora.merge_all(network)
    return network


def row_by_row(network, rows):
    """The loss of a step, each row padded to nothing and on its own."""
    weights = [sum(r.weights) for r in rows]
    losses = [padded_loss(network, [r]) * w for r, w in zip(rows, weights, strict=True)]
    return sum(losses) / sum(weights)


def assert_exact(kind, rows, budget):
    network, plain = with_adapters(tiny(kind)), with_adapters(tiny(kind), plain=True)
    expected = row_by_row(plain, rows)
    expected.backward()
    grads = {n: (m.a.grad, m.b.grad) for n, m in plain.named_modules() if hasattr(m, "a")}
    loss, computed = accumulate(network, rows, "sft", budget)
    assert loss == pytest.approx(float(expected.detach()), rel=1e-6)
    assert computed == sum(len(r.ids) for r in rows)
    layers = lora.layers(network).values()
    assert all(f.grad is not None for m in layers for f in (m.lora_a, m.lora_b))
    assert distance(network, grads) < 1e-5
    assert mean_loss(network, rows, "sft", budget) == pytest.approx(loss, rel=1e-9)


@pytest.mark.parametrize("budget", [20, 10_000])
@pytest.mark.parametrize("kind", UNSHARED)
def test_adapter_gradients_are_exact(kind, budget):
    assert_exact(kind, grown(), budget)


@st.composite
def random_rows(draw):
    rows = [[2, 3, 4]]
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.sampled_from(rows))
        rows.append(start + draw(st.lists(st.integers(2, 9), min_size=1, max_size=9)))
    return [row(ids, [True] * len(ids)) for ids in rows]


@pytest.mark.parametrize("kind", UNSHARED)
def test_adapter_gradients_are_exact_on_random_rows(kind):
    @settings(max_examples=3, deadline=None)
    @given(rows=random_rows(), budget=st.integers(8, 80))
    def check(rows, budget):
        assert_exact(kind, rows, budget)

    check()


@pytest.mark.parametrize("kind", UNSHARED)
def test_gradients_of_all_weights_are_exact(kind):
    network, plain, rows = tiny(kind), tiny(kind), grown()
    accumulate(network, rows, "sft", 30)
    row_by_row(plain, rows).backward()
    right = {name: weight.grad for name, weight in plain.named_parameters()}
    size = torch.cat([g.flatten() for g in right.values() if g is not None]).norm()
    for name, weight in network.named_parameters():
        if right[name] is None:
            assert weight.grad is None
            continue
        off = float((weight.grad - right[name]).norm())
        assert off < 1e-5 * float(right[name].norm() + 1e-3 * size), name


def test_a_layer_whose_weight_alone_is_read_gets_no_adapter():
    network = tiny("mamba")
    linear = {n.rpartition(".")[2] for n, m in network.named_modules() if isinstance(m, nn.Linear)}
    assert "dt_proj" in linear
    assert not any(name.endswith("dt_proj") for name in called_layers(network))
    assert block_layers(network) == ("in_proj", "x_proj", "out_proj")
    with pytest.raises(UserError, match=r"names dt_proj, which is no linear layer"):
        attach(network, ["dt_proj"], RANK, SCALE)


def test_a_forest_that_branches_is_refused():
    with pytest.raises(MismatchError, match="takes one row a tree"):
        hidden_states(tiny("lfm2"), build_forest(grown()))


def test_such_a_model_is_not_asked():
    network = tiny("lfm2")
    with pytest.raises(UserError, match="can be trained here, but not asked"):
        next(decode(network, [[2, 3]], 4, lambda z: z.argmax(dim=-1), lambda *_: True))
