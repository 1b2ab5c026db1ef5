"""Gradients of rsLoRA and DoRA on a forest equal those of their papers' formulas, padded."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from tunery.models.token_row import TokenRow
from tunery.prefix import attention, lora
from tunery.prefix.attach import attach, initialise
from tunery.prefix.states import Trunk
from tunery.testing.tiny_models import tiny_llama
from tunery.train.loop import accumulate

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
RANK, ALPHA = 4, 3.0
PLAIN, STABLE = ALPHA / RANK, ALPHA / math.sqrt(RANK)
ROWS = [
    TokenRow(
        (2, 3, 4, 5, 6, 7, *range(8, 9 + n), 90 + n),
        (0.0,) * (7 + n // 2) + (1.0,) * (n + 1 - n // 2),
    )
    for n in (1, 5, 9, 40)
]


class ByTheBook(nn.Module):
    """y = x (m (W + s B A) / |W + s B A|)^T, the norm a constant; without m plain LoRA."""

    def __init__(self, layer: lora.LoraLinear) -> None:
        super().__init__()
        self.weight, self.scale = layer.weight, layer.scale
        self.own = nn.ParameterList([p.detach().clone() for p in layer.trained()])

    def forward(self, x: Tensor) -> Tensor:
        a, b, *magnitude = self.own
        whole = self.weight + self.scale * b @ a
        if magnitude:
            norm = whole.norm(dim=1, keepdim=True).detach()
            whole = magnitude[0][:, None] * whole / norm
        return x @ whole.T


def tuned_network(scale: float, *, dora: bool, last_blocks: int | None = None):
    """A tiny model whose factors are random and whose magnitudes are not the norms."""
    attention.register()
    network = tiny_llama()
    network.set_attn_implementation(attention.NAME)
    attach(network, TARGETS, RANK, scale, last_blocks, dora=dora)
    initialise(network, 0)
    generator = torch.Generator().manual_seed(1)
    for layer in lora.layers(network).values():
        layer.lora_b.data.normal_(0, 0.2, generator=generator)
        if layer.magnitude is not None:
            noise = torch.rand(layer.magnitude.shape, generator=generator)
            layer.magnitude.data.mul_(0.5 + noise)
    lora.merge_all(network)
    return network


def padded(network, rows) -> tuple[float, list[Tensor]]:
    """Loss and gradients in float64, one padded batch, eager attention, autograd's own formulas."""
    plain = copy.deepcopy(network).double()
    plain.set_attn_implementation("eager")
    for name, layer in lora.layers(plain).items():
        parent, _, child = name.rpartition(".")
        setattr(plain.get_submodule(parent), child, ByTheBook(layer))
    longest = max(len(row.ids) for row in rows)
    fill = [longest - len(row.ids) for row in rows]
    ids = torch.tensor([row.ids + (0,) * n for row, n in zip(rows, fill, strict=True)])
    weights = torch.tensor([row.weights + (0.0,) * n for row, n in zip(rows, fill, strict=True)])
    mask = torch.tensor([[1] * (longest - n) + [0] * n for n in fill])
    logp = plain(input_ids=ids, attention_mask=mask).logits[:, :-1].log_softmax(dim=-1)
    picked = logp.gather(-1, ids[:, 1:, None])[:, :, 0]
    loss = -(picked * weights[:, 1:]).sum() / weights.sum()
    loss.backward()
    books = [m for m in plain.modules() if isinstance(m, ByTheBook)]
    return float(loss.detach()), [p.grad for book in books for p in book.own]


@pytest.mark.parametrize("last_blocks", [None, 1])
@pytest.mark.parametrize(("scale", "dora"), [(STABLE, False), (PLAIN, True), (STABLE, True)])
def test_gradients_equal_the_formulas(scale, dora, last_blocks):
    network = tuned_network(scale, dora=dora, last_blocks=last_blocks)
    trunk = Trunk(network, [ROWS], 64) if last_blocks else None
    expected, grads = padded(network, ROWS)
    loss = accumulate(network, ROWS, "sft", 50, trunk)[0]
    own = [p.grad for layer in lora.layers(network).values() for p in layer.trained()]
    assert loss == pytest.approx(expected, rel=1e-5)
    assert len(own) == len(grads) == (3 if dora else 2) * 7 * (last_blocks or 2)
    for ours, theirs in zip(own, grads, strict=True):
        assert (ours.double() - theirs).norm() < 1e-5 * theirs.norm()


def test_untrained_dora_computes_what_the_base_does():
    attention.register()
    network = tiny_llama()
    ids = torch.arange(2, 30)[None]
    with torch.no_grad():
        before = network(ids).logits
        attach(network, TARGETS, RANK, PLAIN, dora=True)
        initialise(network, 0)
        torch.testing.assert_close(network(ids).logits, before)
        lora.merge_all(network)
        torch.testing.assert_close(network(ids).logits, before, rtol=1e-4, atol=1e-5)


def test_a_row_of_zeros_stays_a_number_and_learns():
    linear = nn.Linear(4, 3, bias=False)
    linear.weight.data[1] = 0
    layer = lora.LoraLinear(linear.requires_grad_(requires_grad=False), 2, 1.0, dora=True)
    layer.lora_a.data.fill_(0.5)
    layer.magnitude.data.copy_(linear.weight.norm(dim=1))
    layer.merge()
    assert torch.equal(layer(torch.ones(1, 4))[0, 1], torch.tensor(0.0))
    layer.lora_b.data.fill_(0.5)
    layer.merge()
    layer(torch.ones(1, 4)).sum().backward()
    assert layer.magnitude.grad[1] == pytest.approx(2.0)
