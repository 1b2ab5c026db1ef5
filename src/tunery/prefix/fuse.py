"""Blocks computed as two operations, where that is what the model's own code computes.

A block that looks as most do (RMS norm, attention with rotary embeddings, residual; RMS norm,
gated layer, residual; LoRA on all seven layers) is tried: its own code and its halves get the same
random states, and only where outputs and gradients agree the halves take over. So a family that
scales its residuals, leaves out rotary embeddings in some blocks or does anything else that this
module does not know keeps its own code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from tunery.models.token_row import TokenRow
from tunery.prefix.attention_half import AttentionHalf
from tunery.prefix.forest import build_forest
from tunery.prefix.gated import ACTIVATIONS, NAMES
from tunery.prefix.gated_half import GatedHalf
from tunery.prefix.joined import Joined
from tunery.prefix.lora import LoraLinear, layers
from tunery.prefix.quantized import Quantized
from tunery.prefix.rms_norm import read_norm
from tunery.prefix.sharing import shares
from tunery.prefix.states import blocks, first_adapted_block, hidden_states

HEAD_NORMS = ("q_norm", "k_norm")
CHILDREN = {"input_layernorm", "self_attn", "post_attention_layernorm", "mlp"}
PRODUCTS = ("q_proj", "k_proj", "v_proj", "o_proj")
TOLERANCE = 1e-4
"""Largest relative distance of what a block adds to its states, and of its gradients: rounding is
at 1e-6, another computation at 1e-1."""

TRIAL = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15))
"""Rows of the trial: a shared node and two below it."""


@dataclass(frozen=True, slots=True)
class Fused:
    """A block's two halves, and the code that they stand in for.

    Attributes:
        attention: The first half.
        gated: The second half.
        window: Longest row that they compute; None for any.
        last: Nothing but the output layer reads the block's states, so the second half is computed
            for the tokens that predict something.
        own: The block's own `forward`.
    """

    attention: AttentionHalf
    gated: GatedHalf
    window: int | None
    last: bool
    own: Callable[..., Any]

    def __call__(self, hidden: Tensor, *args: Any, **kwargs: Any) -> Any:
        """As the block's own `forward`, which is called for all but training over a forest."""
        nodes = kwargs.get("forest_nodes")
        if nodes is None or kwargs.get("key_value_cache") is not None:
            return self.own(hidden, *args, **kwargs)
        if self.window is not None and any(n.depth + n.end - n.start > self.window for n in nodes):
            return self.own(hidden, *args, **kwargs)
        cos, sin = (angle[0, :, : angle.shape[-1] // 2] for angle in kwargs["position_embeddings"])
        states = self.attention(hidden[0], (cos, sin), nodes)
        wanted = kwargs.get("wanted_tokens")
        return self.gated(states[wanted] if self.last and wanted is not None else states)[None]


def fuse_blocks(model: Any, *, merged: bool = True) -> int:
    """Lets the blocks of a model compute as halves where these agree with their own code.

    Args:
        model: With LoRA layers attached; changed in place, until `unfuse_blocks`.
        merged: Whether these blocks keep W', see `prefix.joined`.

    Returns:
        How many blocks do so.
    """
    if not shares(model):
        return 0
    every = blocks(model)
    adapted = every[first_adapted_block(model) :]
    found = {b: f for b in adapted if (f := _read(b, last=b is every[-1], merged=merged))}
    agreeing = _agreeing(model, found)
    for block in found:
        if block in agreeing:
            block.forward = agreeing[block]
        else:
            for layer in layers(block).values():
                layer.keep_apart(False)
    return sum(isinstance(block.__dict__.get("forward"), Fused) for block in every)


def unfuse_blocks(model: Any) -> None:
    """Gives the blocks their own code back, and their layers W'."""
    for block in blocks(model):
        block.__dict__.pop("forward", None)
    for layer in layers(model).values():
        if layer.apart:
            layer.keep_apart(False)


def _read(block: Any, *, last: bool, merged: bool) -> Fused | None:
    """A block as halves, untried; None if it lacks a part or has others."""
    if {name for name, _ in block.named_children()} != CHILDREN:
        return None
    attention, mlp = block.self_attn, block.mlp
    parts = [getattr(attention, name, None) for name in PRODUCTS]
    parts += [getattr(mlp, name, None) for name in NAMES]
    plain = [layer for layer in parts if _is_plain(layer)]
    extra = {name for name, _ in attention.named_children()} - {*PRODUCTS, *HEAD_NORMS}
    activation = ACTIVATIONS.get(type(getattr(mlp, "act_fn", block)))
    norms = (read_norm(block.input_layernorm), read_norm(block.post_attention_layernorm))
    own_norms = [getattr(attention, n) for n in HEAD_NORMS if getattr(attention, n, None)]
    head_norms = [norm for layer in own_norms if (norm := read_norm(layer))]
    if extra or activation is None or len(plain) < len(parts):
        return None
    if norms[0] is None or norms[1] is None or len(head_norms) != len(own_norms):
        return None
    if len({layer.scale for layer in plain}) > 1:
        return None
    q, k, v, o, gate, up, down = plain
    dim = getattr(attention, "head_dim", None)
    if not isinstance(dim, int) or dim % 2 or len(v.dense()) != len(k.dense()):
        return None
    return Fused(
        AttentionHalf(
            norm=norms[0],
            inward=Joined([q, k, v], merged=merged),
            outward=Joined([o], merged=merged),
            heads=len(q.dense()) // dim,
            groups=len(k.dense()) // dim,
            head_dim=dim,
            scale=float(getattr(attention, "scaling", dim**-0.5)),
            head_norms=(head_norms[0], head_norms[1]) if len(head_norms) == 2 else None,
        ),
        GatedHalf(
            norms[1], Joined([gate, up], merged=merged), Joined([down], merged=merged), activation
        ),
        _window(attention),
        last,
        block.forward,
    )


def _window(attention: Any) -> int | None:
    """The window of a block, or of some block of its model: rows beyond it take its own code."""
    own = getattr(attention, "sliding_window", None)
    return own or getattr(getattr(attention, "config", None), "sliding_window", None)


def _is_plain(layer: Any) -> TypeGuard[LoraLinear]:
    """Whether a layer is LoRA without DoRA, on weights in full."""
    return (
        isinstance(layer, LoraLinear)
        and layer.magnitude is None
        and not isinstance(layer.weight, Quantized)
    )


def _agreeing(model: Any, found: dict[nn.Module, Fused]) -> dict[nn.Module, Fused]:
    """Those whose output and gradients are those of the block's own code."""
    agreeing: dict[nn.Module, Fused] = {}
    generator = torch.Generator().manual_seed(0)

    def trying(block: nn.Module, fused: Fused) -> Callable[..., Any]:
        def forward(hidden: Tensor, *args: Any, **kwargs: Any) -> Any:
            states = torch.randn(hidden.shape, generator=generator).to(hidden)
            if _same(fused, states, args, kwargs, generator):
                agreeing[block] = fused
            return hidden

        return forward

    for block, fused in found.items():
        block.forward = trying(block, fused)
    if not found:
        return agreeing
    forest = build_forest([TokenRow(ids, (0.0,) * len(ids)) for ids in TRIAL])
    last = model.config.get_text_config().max_position_embeddings - 1
    spread = torch.linspace(0, last, forest.unique_tokens).long()  # some scale by position
    forest = replace(forest, position_ids=spread)
    try:
        hidden_states(model, forest)
    finally:
        for block in found:
            del block.forward
    return agreeing


def _same(
    fused: Fused,
    states: Tensor,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    generator: torch.Generator,
) -> bool:
    factors = [
        factor
        for joined in (
            fused.attention.inward,
            fused.attention.outward,
            fused.gated.inward,
            fused.gated.outward,
        )
        for factor in joined.factors
    ]
    toward = torch.randn(states.shape, generator=generator).to(states)
    results = []
    for forward in (fused.own, fused):
        leaf = states.clone().requires_grad_()
        with torch.enable_grad():
            out = forward(leaf, *args, **kwargs)
            if not isinstance(out, Tensor):
                return False
            grads = torch.autograd.grad((out * toward).sum(), [leaf, *factors])
        results.append([out.detach() - states, grads[0] - toward, *grads[1:]])
    return all(
        float((a - b).norm()) <= TOLERANCE * float(a.norm()) + 1e-12
        for a, b in zip(*results, strict=True)
    )
