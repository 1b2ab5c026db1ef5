"""Gradients of embeddings and of new tokens' rows equal the plain padded computation."""

import copy

import pytest
import torch

from tunery.models.new_tokens import grow, tables
from tunery.models.token_row import TokenRow
from tunery.prefix import attention, lora
from tunery.prefix.embeddings import train_rows, train_tables, trained_parameters
from tunery.testing.padded import ThreeProducts, padded_loss, with_lora
from tunery.testing.tiny_models import tiny_llama
from tunery.train.loop import accumulate
from tunery.train.optimizer import PackedAdamW

ROWS = [
    TokenRow(
        (2, 258, 4, 5, 6, 259, *range(8, 9 + n), 258 + n % 3, 90 + n),
        (0.0,) * (7 + n // 2) + (1.0,) * (n + 2 - n // 2),
    )
    for n in (1, 5, 9, 40)
]


def network(tied):
    plain = tiny_llama(tie_word_embeddings=tied)
    grow(plain, 261, 258)
    return with_lora(network=plain)


def reference(net):
    """Gradients of every table in float64: padded rows, eager attention, three products."""
    plain = copy.deepcopy(net).double()
    plain.set_attn_implementation("eager")
    for name in list(lora.layers(plain)):
        parent, _, child = name.rpartition(".")
        owner = plain.get_submodule(parent)
        setattr(owner, child, ThreeProducts(getattr(owner, child)))
    for module in tables(plain).values():
        module.weight.requires_grad_(True)
    loss = padded_loss(plain, ROWS)
    loss.backward()
    grads = {name: module.weight.grad for name, module in tables(plain).items()}
    lora_grads = {n: m.a.grad for n, m in plain.named_modules() if hasattr(m, "a")}
    return float(loss.detach()), grads, lora_grads


def near(own, expected):
    assert expected.norm() > 0
    return (own.double() - expected).norm() < 1e-5 * expected.norm()


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("budget", [50, 1000])
def test_gradients_equal_the_plain_computation(tied, whole, budget):
    net = network(tied)
    expected, grads, lora_grads = reference(net)
    chosen = train_tables(net) if whole else train_rows(net, 258, 3)
    assert len(grads) == (1 if tied else 2)
    if whole and tied:  # two names, one table
        assert chosen.pop("lm_head") is chosen["model.embed_tokens"]
    assert set(chosen) == set(grads)
    factors = [p for layer in lora.layers(net).values() for p in layer.trained()]
    PackedAdamW([*factors, *chosen.values()], 0.0)
    loss = accumulate(net, ROWS, "sft", budget)[0]
    assert loss == pytest.approx(expected, rel=1e-5)
    for name, values in chosen.items():
        assert near(values.grad, grads[name] if whole else grads[name][258:]), name
    for name, layer in lora.layers(net).items():
        assert near(layer.lora_a.grad, lora_grads[name]), name
    assert trained_parameters(net) == sum(p.numel() for p in [*factors, *chosen.values()])


@pytest.mark.parametrize("tied", [True, False])
def test_a_step_moves_the_new_rows_alone(tied):
    net = network(tied)
    before = {name: m.weight.detach().clone() for name, m in tables(net).items()}
    optimizer = PackedAdamW(list(train_rows(net, 258, 3).values()), 0.0)
    accumulate(net, ROWS, "sft", 50)
    optimizer.step(1e-2, 1.0)
    lora.merge_all(net)
    for name, module in tables(net).items():
        assert torch.equal(module.weight[:258], before[name][:258])
        assert (module.weight[258:] != before[name][258:]).any(dim=1).all()
        assert module.weight.grad is None


@pytest.mark.parametrize("tied", [True, False])
def test_new_rows_hardly_change_the_old_probabilities(tied):
    attention.register()
    net = tiny_llama(tie_word_embeddings=tied)
    ids = torch.arange(2, 40)[None]
    with torch.no_grad():
        before = net(ids).logits
        table = net.get_input_embeddings().weight.clone()
        grow(net, 260, 258)
        after = net(ids).logits
    torch.testing.assert_close(after[..., :258], before)
    torch.testing.assert_close(after[..., 258], before.mean(dim=-1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(net.get_input_embeddings().weight[259], table.mean(dim=0))
    assert (net.get_output_embeddings().weight is net.get_input_embeddings().weight) is tied
    assert net.config.vocab_size == 260
