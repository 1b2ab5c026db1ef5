"""The plain computation that a forest must equal: padded rows, eager attention, three products."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tunery.models.token_row import TokenRow
from tunery.prefix import attention, lora
from tunery.prefix.attach import attach
from tunery.testing.tiny_models import tiny_llama

RANK, SCALE = 4, 2.0
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class ThreeProducts(nn.Module):
    """LoRA as its paper writes it, for the reference."""

    def __init__(self, layer: lora.LoraLinear) -> None:
        super().__init__()
        self.weight, self.bias = layer.dense(), layer.bias
        self.a, self.b = nn.Parameter(layer.lora_a.detach()), nn.Parameter(layer.lora_b.detach())

    def forward(self, x: Tensor) -> Tensor:
        """[..., i] to [..., o]."""
        bias = 0 if self.bias is None else self.bias
        return x @ self.weight.T + bias + SCALE * (x @ self.a.T) @ self.b.T


def with_lora(
    seed: int = 0,
    network: Any = None,
    targets: Sequence[str] = TARGETS,
    last_blocks: int | None = None,
) -> Any:
    """A tiny model that attends over forests, its adapter filled with random values."""
    attention.register()
    network = tiny_llama(seed) if network is None else network
    network.set_attn_implementation(attention.NAME)
    attach(network, targets, RANK, SCALE, last_blocks)
    generator = torch.Generator().manual_seed(seed + 1)
    for layer in lora.layers(network).values():
        if layer.bias is not None:
            layer.bias.data.normal_(generator=generator)
        layer.lora_a.data.normal_(0, 0.2, generator=generator)
        layer.lora_b.data.normal_(0, 0.2, generator=generator)
    lora.merge_all(network)
    return network


def padded_loss(network: Any, rows: list[TokenRow]) -> Tensor:
    """Plain computation: right-padded batch, causal attention, a full output layer."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.tensor([row.ids + (0,) * (longest - len(row.ids)) for row in rows])
    weights = torch.tensor([row.weights + (0.0,) * (longest - len(row.ids)) for row in rows])
    logits = network(input_ids=ids).logits  # causal: padding on the right is never seen
    logp = torch.log_softmax(logits[:, :-1], dim=-1)
    picked = logp.gather(-1, ids[:, 1:, None])[:, :, 0]
    return -(picked * weights[:, 1:]).sum() / weights.sum()


def reference(network: Any, rows: list[TokenRow]) -> tuple[float, dict[str, tuple[Tensor, Tensor]]]:
    """Loss and adapter gradients in float64, with three-product LoRA."""
    plain = copy.deepcopy(network).double()
    plain.set_attn_implementation("eager")
    for name in list(lora.layers(plain)):
        parent, _, child = name.rpartition(".")
        owner = plain.get_submodule(parent)
        setattr(owner, child, ThreeProducts(getattr(owner, child)))
    loss = padded_loss(plain, rows)
    loss.backward()  # type: ignore[no-untyped-call]
    grads = {n: (m.a.grad, m.b.grad) for n, m in plain.named_modules() if hasattr(m, "a")}
    return float(loss.detach()), grads


def distance(network: Any, grads: dict[str, tuple[Tensor, Tensor]]) -> float:
    """Relative distance of the network's adapter gradients from the reference's."""
    adapters = lora.layers(network).values()
    own = [f.grad for m in adapters for f in (m.lora_a, m.lora_b) if f.grad is not None]
    other = [g for name in lora.layers(network) for g in grads[name]]
    flat = torch.cat([g.double().flatten() for g in own])
    expected = torch.cat([g.flatten() for g in other])
    return float((flat - expected).norm() / expected.norm())


def row(ids: list[int], learned: list[bool]) -> TokenRow:
    """A row and which of its tokens are learned; the first never is."""
    return TokenRow(tuple(ids), (0.0, *(float(flag) for flag in learned[1:])))
