"""Gradients of a model's own weights on a forest equal those of the plain padded computation."""

import copy

import pytest
import torch

from tunery.models.token_row import TokenRow
from tunery.prefix import attention
from tunery.prefix.states import Trunk, first_adapted_block
from tunery.prefix.unfreeze import unfreeze
from tunery.testing.tiny_models import tiny_llama
from tunery.train.loop import accumulate
from tunery.train.optimizer import PackedAdamW

ROWS = [
    TokenRow(
        (2, 3, 4, 5, 6, 7, *range(8, 9 + n), 90 + n),
        (0.0,) * (7 + n // 2) + (1.0,) * (n + 1 - n // 2),
    )
    for n in (1, 5, 9, 40)
]


def padded(network, names):
    """Loss and gradients in float64: one padded batch, eager attention, a full output layer."""
    plain = copy.deepcopy(network).double()
    plain.set_attn_implementation("eager")
    longest = max(len(row.ids) for row in ROWS)
    fill = [longest - len(row.ids) for row in ROWS]
    ids = torch.tensor([row.ids + (0,) * n for row, n in zip(ROWS, fill, strict=True)])
    weights = torch.tensor([row.weights + (0.0,) * n for row, n in zip(ROWS, fill, strict=True)])
    mask = torch.tensor([[1] * (longest - n) + [0] * n for n in fill])
    logp = plain(input_ids=ids, attention_mask=mask).logits[:, :-1].log_softmax(dim=-1)
    picked = logp.gather(-1, ids[:, 1:, None])[:, :, 0]
    loss = -(picked * weights[:, 1:]).sum() / weights.sum()
    loss.backward()
    parameters = dict(plain.named_parameters())
    return float(loss.detach()), {name: parameters[name].grad for name in names}


def tiny(**changes):
    attention.register()
    network = tiny_llama(**changes)
    network.set_attn_implementation(attention.NAME)
    return network


def check(network, chosen, trunk=None):
    expected, grads = padded(network, chosen)
    loss = accumulate(network, ROWS, "sft", 50, trunk)[0]
    assert loss == pytest.approx(expected, rel=1e-5)
    for name, parameter in network.named_parameters():
        if name not in chosen:
            assert parameter.grad is None
            continue
        assert (parameter.grad.double() - grads[name]).norm() < 1e-5 * grads[name].norm(), name


@pytest.mark.parametrize("tied", [True, False])
def test_every_parameter(tied):
    network = tiny(tie_word_embeddings=tied, attention_bias=True)
    chosen = unfreeze(network)
    assert len(chosen) == len(list(network.parameters()))
    assert ("lm_head.weight" in chosen) is not tied
    PackedAdamW(list(chosen.values()), 0.0)  # parameters as views of one vector
    check(network, chosen)


def test_the_weights_of_upper_blocks_on_a_trunk_that_is_computed_once():
    network = tiny()
    chosen = unfreeze(network, last_blocks=1)
    assert all(name.startswith("model.layers.1.") for name in chosen)
    assert "model.layers.1.input_layernorm.weight" in chosen
    assert first_adapted_block(network) == 1
    check(network, chosen, Trunk(network, [ROWS], 64))


def test_the_weights_of_chosen_layers():
    network = tiny(mlp_bias=True)
    chosen = unfreeze(network, ["*.mlp.*", "q_proj"], blocks=[0])
    start = "model.layers.0."
    parts = [f"mlp.{name}_proj.{p}" for name in ("gate", "up", "down") for p in ("weight", "bias")]
    assert set(chosen) == {start + name for name in ["self_attn.q_proj.weight", *parts]}
    check(network, chosen)


def test_released_parameters_keep_their_values_and_nothing_else():
    network = tiny()
    chosen = unfreeze(network)
    optimizer = PackedAdamW(list(chosen.values()), 0.0)
    accumulate(network, ROWS, "sft", 50)
    optimizer.step(1e-3, 1.0)
    before = {name: p.detach().clone() for name, p in chosen.items()}
    optimizer.release()
    for name, p in chosen.items():
        assert torch.equal(p, before[name])
        assert p.grad is None
        assert p.untyped_storage().nbytes() == 4 * p.numel()
