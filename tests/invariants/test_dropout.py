"""Dropout of an adapter's inputs: one row a tree, gradients of the masks that were drawn."""

import pytest
import torch

from tunery.prefix import attention, lora
from tunery.prefix.attach import attach
from tunery.prefix.dropout import AdapterDropout, draw, drops
from tunery.prefix.fuse import fuse_blocks
from tunery.prefix.recompute import recompute_blocks
from tunery.testing.padded import RANK, SCALE, TARGETS, padded_loss, row
from tunery.testing.tiny_models import tiny_llama
from tunery.train.loop import accumulate, mean_loss

ROWS = [row([2, 3, 4, 5, 6, 7, *range(8, 8 + n)], [False] * 6 + [True] * n) for n in (3, 5, 9)]


def dropping(share=0.5, quantize=None):
    attention.register()
    network = tiny_llama()
    network.set_attn_implementation(attention.NAME)
    attach(network, TARGETS, RANK, SCALE, dropout=share, quantize=quantize)
    generator = torch.Generator().manual_seed(1)
    for layer in lora.layers(network).values():
        layer.lora_a.data.normal_(0, 0.2, generator=generator)
        layer.lora_b.data.normal_(0, 0.2, generator=generator)
    lora.merge_all(network)
    return network


def gradients(network, budget=10_000, key=(0, 0)):
    loss, unique = accumulate(network, ROWS, "sft", budget, key=key)
    factors = [f for layer in lora.layers(network).values() for f in (layer.lora_a, layer.lora_b)]
    grads = torch.cat([f.grad.flatten() for f in factors])
    network.zero_grad()
    return loss, unique, grads


def test_every_row_is_a_tree_of_its_own():
    network = dropping()
    assert drops(network)
    assert gradients(network)[1] == sum(len(r.ids) for r in ROWS)
    assert fuse_blocks(network) == 0


def test_gradients_are_those_of_the_masks_that_were_drawn():
    network = dropping().double()
    for layer in lora.layers(network).values():
        layer.unmerge()
    lora.merge_all(network)
    loss, _, grads = gradients(network, key=(7, 3))
    factors = [f for layer in lora.layers(network).values() for f in (layer.lora_a, layer.lora_b)]
    generator = torch.Generator().manual_seed(2)
    for number in (0, 1, 9, 27):  # a finite difference along one factor of one layer
        shape = factors[number].shape
        direction = torch.randn(shape, generator=generator, dtype=torch.float64) * 1e-4
        losses = []
        for sign in (1, -1):
            factors[number].data.add_(direction, alpha=sign)
            losses.append(gradients(network, key=(7, 3))[0])
            factors[number].data.sub_(direction, alpha=sign)
        start = sum(f.numel() for f in factors[:number])
        own = grads[start : start + direction.numel()] @ direction.flatten()
        assert float(own) == pytest.approx((losses[0] - losses[1]) / 2, rel=1e-3)
    assert gradients(network, key=(7, 3))[0] == loss


def test_masks_depend_on_seed_step_micro_batch_and_layer():
    network = dropping()
    layers = list(lora.layers(network).values())
    x = torch.ones(4, 32)
    draw(network, 0, 0, 0)
    first = [layer.dropout(x) for layer in layers if layer.lora_a.shape[1] == 32]
    assert not any(torch.equal(first[0], other) for other in first[1:])
    assert torch.equal(layers[0].dropout(x), first[0])
    for key in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        draw(network, *key)
        assert not torch.equal(layers[0].dropout(x), first[0])


def test_a_share_of_the_inputs_is_dropped_and_the_rest_scaled_up():
    out = AdapterDropout(0.25)(torch.ones(400, 100))
    assert float((out == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(out.max()) == pytest.approx(1 / 0.75)


def test_blocks_computed_again_draw_the_same_masks():
    network = dropping()
    expected = gradients(network, key=(0, 5))
    recompute_blocks(network)
    again = gradients(network, key=(0, 5))
    assert again[0] == expected[0]
    assert torch.equal(again[2], expected[2])


def test_nothing_is_dropped_without_a_gradient():
    network = dropping()
    with torch.no_grad():
        network.set_attn_implementation("eager")
        plain = float(padded_loss(network, ROWS))
        network.set_attn_implementation(attention.NAME)
    assert mean_loss(network, ROWS, "sft", 10_000) == pytest.approx(plain, rel=1e-5)


def test_weights_in_few_bits_too():
    pytest.importorskip("bitsandbytes")
    network = dropping(quantize="int8")
    assert gradients(network)[2].norm() > 0
