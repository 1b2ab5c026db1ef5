"""Each proven model type: forest against transformers' own padded computation, in float64."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from tunery.models.proven import PROVEN
from tunery.prefix import attention, lora
from tunery.prefix.fuse import fuse_blocks
from tunery.prefix.states import Trunk
from tunery.prefix.targets import block_layers
from tunery.serve.engines.decode import decode
from tunery.testing import tiny_models
from tunery.testing.padded import distance, padded_loss, reference, row, with_lora
from tunery.train.loop import accumulate

WINDOW = 6
SHAPE = tiny_models.SHAPE | {
    "head_dim": 8,
    "max_position_embeddings": 2048,
    "attention_dropout": 0.0,
}
BOTH = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
WINDOWED = {"use_sliding_window": True, "max_window_layers": 0, **BOTH}
CHANGES = {
    "cohere": {"logit_scale": 0.3},
    "cohere2": {"logit_scale": 0.3, **BOTH},
    "exaone4": BOTH,
    "gemma2": {
        **BOTH,
        "attn_logit_softcapping": 3.0,
        "final_logit_softcapping": 4.0,
        "query_pre_attn_scalar": 8,
    },
    "gemma3_text": {**BOTH, "query_pre_attn_scalar": 8},
    "gpt_neox": {"num_key_value_heads": 4},
    "granite": {
        "logits_scaling": 3.0,
        "embedding_multiplier": 2.0,
        "residual_multiplier": 0.4,
        "attention_multiplier": 0.2,
    },
    "llama": {"attention_bias": True},
    "mistral": {"sliding_window": WINDOW},
    "ministral": BOTH,
    "nanochat": {"final_logit_softcapping": 4.0},
    "olmo3": BOTH,
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32, "dropout": 0.0},
    "phi3": {"sliding_window": WINDOW},
    "qwen2": WINDOWED,
    "qwen3": WINDOWED,
    "starcoder2": {"sliding_window": WINDOW},
    "vaultgemma": {
        **BOTH,
        "attn_logit_softcapping": 3.0,
        "final_logit_softcapping": 4.0,
        "query_pre_attn_scalar": 8,
    },
}
LEARNED_FROM = 4  # rows below learn all tokens from here on


def tiny(kind, seed=0):
    """A random model of a type; every weight is random, norms and biases too."""
    attention.register()
    settings = SHAPE | CHANGES.get(kind, {})
    torch.manual_seed(seed)
    network = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings)).eval()
    for weight in network.parameters():
        if weight.ndim == 1:
            weight.data += 0.2 * torch.randn_like(weight)
    network.set_attn_implementation(attention.NAME)
    return network


def adapted(kind, last_blocks=None):
    network = tiny(kind)
    network = with_lora(network=network, targets=block_layers(network), last_blocks=last_blocks)
    network.double()
    for layer in lora.layers(network).values():
        layer.unmerge()
    lora.merge_all(network)
    return network


def grown():
    """Rows longer than the window: shared, nested and copied ones, and one with a tail of one."""
    start = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    tails = ([12], [12], [*range(20, 25)], [*range(20, 25), *range(40, 70)], [])
    rows = [[*start, *tail] for tail in tails] + [[60, 61, 62, 63, 64]]
    return [row(ids, [i >= LEARNED_FROM for i in range(len(ids))]) for ids in rows]


@st.composite
def random_rows(draw):
    """Rows that each begin as a row before them did, for a while."""
    rows = [[2, 3]]
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.sampled_from(rows))
        keep = start[: draw(st.integers(1, len(start)))]
        rows.append(keep + draw(st.lists(st.integers(2, 9), min_size=1, max_size=16)))
    return [row(ids, [True] * len(ids)) for ids in rows]


def assert_exact(network, rows, trunk=None, budget=10_000):
    expected, grads = reference(network, rows)
    loss = accumulate(network, rows, "sft", budget, trunk)[0]
    assert loss == pytest.approx(expected, rel=1e-6)
    assert distance(network, grads) < 1e-5
    network.zero_grad()


def test_random_weights_make_the_window_matter():
    network, rows = tiny("mistral").double(), grown()
    network.set_attn_implementation("eager")
    seen = padded_loss(network, rows).detach()
    network.config.sliding_window = None
    for block in network.model.layers:
        block.self_attn.sliding_window = None
    assert float((padded_loss(network, rows).detach() - seen).abs()) > 1e-3


@pytest.mark.parametrize("kind", PROVEN)
def test_adapter_gradients_are_exact(kind):
    network = adapted(kind)
    assert_exact(network, grown())
    assert_exact(network, grown(), budget=20)


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("kind", PROVEN)
def test_adapter_gradients_are_exact_as_training_computes_them(kind, merged):
    network = adapted(kind)
    fuse_blocks(network, merged=merged)
    assert_exact(network, grown())
    assert_exact(network, grown()[:1])


@pytest.mark.parametrize("kind", PROVEN)
def test_adapter_gradients_are_exact_on_random_trees(kind):
    network = adapted(kind)

    @settings(max_examples=6, deadline=None)
    @given(rows=random_rows(), budget=st.integers(8, 80))
    def check(rows, budget):
        assert_exact(network, rows, budget=budget)

    check()


@pytest.mark.parametrize("kind", PROVEN)
def test_adapter_gradients_are_exact_on_a_trunk(kind):
    network = adapted(kind, last_blocks=1)
    rows = grown()
    assert_exact(network, rows, Trunk(network, [rows], 24))


@pytest.mark.parametrize("kind", PROVEN)
def test_gradients_of_all_weights_are_exact(kind):
    network, rows = tiny(kind).double().requires_grad_(), grown()
    accumulate(network, rows, "sft", 30)
    own = {name: weight.grad for name, weight in network.named_parameters()}
    network.zero_grad()
    network.set_attn_implementation("eager")
    padded_loss(network, rows).backward()
    right = {name: weight.grad for name, weight in network.named_parameters()}
    assert any(grad is not None for grad in own.values())
    size = torch.cat([g.flatten() for g in right.values() if g is not None]).norm()
    for name, grad in right.items():
        if grad is None:
            assert own[name] is None
            continue
        assert float((own[name] - grad).norm()) < 1e-5 * float(grad.norm() + 1e-3 * size), name


REAL = Path("/work/shared/data/banking77/chat_train.jsonl")


def real_rows(limit=620):
    """Four rows as bytes, their answers learned; the prompt's end, so that rows stay short."""
    rows = []
    for line in REAL.read_text("utf-8").splitlines()[:4]:
        *prompt, answer = (m["content"].encode() for m in json.loads(line)["messages"])
        ids = [2 + byte for byte in prompt[0][:limit] + b"\n" + b"\n".join(prompt[1:]) + answer]
        rows.append(row(ids, [i >= len(ids) - len(answer) for i in range(len(ids))]))
    return rows


@pytest.mark.skipif(not REAL.exists(), reason=f"real rows are not here: {REAL}")
@pytest.mark.parametrize("kind", PROVEN)
def test_adapter_gradients_are_exact_on_real_rows(kind):
    assert_exact(adapted(kind), real_rows())


@pytest.mark.parametrize("kind", PROVEN)
@torch.no_grad()
def test_answers_are_those_of_the_plain_computation(kind):
    network = tiny(kind).double()
    prompts = [list(r.ids) for r in grown()]
    written, scores = [[] for _ in prompts], []

    def choose(logits):
        scores.append(logits)
        return logits.argmax(dim=-1)

    def finished(index, token):
        written[index].append(token)
        return len(written[index]) == 9

    for _ in decode(network, prompts, 9, choose, finished):
        pass
    network.set_attn_implementation("eager")
    for index, (prompt, answer) in enumerate(zip(prompts, written, strict=True)):
        logits = network(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]
        own = torch.stack([step[index] for step in scores])
        torch.testing.assert_close(own, logits, rtol=1e-5, atol=1e-5)  # angles are float32
