"""Blocks computed as two operations, where that is what the model's own code computes.

A block of a proven type that looks as most do is tried: RMS norm, attention with rotary embeddings,
residual; RMS norm, gated layer, residual; plain LoRA on all seven layers. Its own code and its
halves get the same random states, and only where outputs and gradients agree the halves take over.
So a family that scales its residuals or leaves out rotary embeddings in some blocks keeps its own
code. What a trial with moderate numbers at any position cannot see, such as a cap on large scores,
is why only proven types are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

from tunery.models.load import context_of
from tunery.models.proven import PROVEN
from tunery.models.token_row import TokenRow
from tunery.prefix.attention_half import AttentionHalf
from tunery.prefix.forest import build_forest
from tunery.prefix.gated import ACTIVATIONS, NAMES, Activation
from tunery.prefix.gated_half import GatedHalf
from tunery.prefix.joined import Joined
from tunery.prefix.lora import LoraLinear, layers
from tunery.prefix.normed import Normed
from tunery.prefix.quantized import Quantized
from tunery.prefix.rms_norm import RmsNorm, read_norm
from tunery.prefix.states import blocks, first_adapted_block, hidden_states

CHILDREN = {"input_layernorm", "self_attn", "post_attention_layernorm", "mlp"}
PRODUCTS = ("q_proj", "k_proj", "v_proj", "o_proj")
HEAD_NORMS = ("q_norm", "k_norm")

TOLERANCE = 1e-4
"""Largest relative distance of what a block adds to its states, and of its gradients: rounding is
at 1e-6, another computation at 1e-1."""

RANDOM_B = 0.05
"""Size of the values of B in the trial, where B A then weighs about as much as W."""

TRIAL = ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15))
"""Rows of the trial: a shared node and two below it."""


@dataclass(frozen=True, slots=True, eq=False)
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

    @property
    def factors(self) -> list[Tensor]:
        """A and B of all seven layers."""
        return [*self.attention.factors, *self.gated.factors]


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """What a block of the common form consists of."""

    layers: tuple[LoraLinear, ...]  # q, k, v, o, gate, up, down
    norms: tuple[RmsNorm, RmsNorm]
    head_norms: tuple[RmsNorm, RmsNorm] | None
    head_dim: int
    scale: float
    window: int | None
    activation: Activation


def fuse_blocks(model: Any, *, merged: bool = True) -> int:
    """Lets the blocks of a model compute as halves where these agree with their own code.

    Args:
        model: With LoRA layers attached; changed in place, until `unfuse_blocks`.
        merged: Whether these blocks keep W', see `prefix.joined`.

    Returns:
        How many blocks do so.
    """
    if model.config.model_type not in PROVEN:
        return 0
    every = blocks(model)
    found = {}
    for block in every[first_adapted_block(model) :]:
        parts = _recognise(block)
        if parts is not None:
            found[block] = _halves(block, parts, last=block is every[-1], merged=merged)
    agreeing = _agreeing(model, found) if found else set()
    for block, fused in found.items():
        if block in agreeing:
            block.forward = fused
        else:
            for layer in layers(block).values():
                layer.keep()
    return len(agreeing)


def unfuse_blocks(model: Any) -> None:
    """Gives blocks their own code back, those that are computed again in the backward pass too.

    Layers go on keeping W', or making it when asked.
    """
    for part in model.modules():
        part.__dict__.pop("forward", None)


def _recognise(block: Any) -> _Parts | None:
    """The parts of a block; None if it lacks one or has others."""
    if {name for name, _ in block.named_children()} != CHILDREN:
        return None
    attention, mlp = block.self_attn, block.mlp
    given = [getattr(attention, name, None) for name in PRODUCTS]
    given += [getattr(mlp, name, None) for name in NAMES]
    plain = [layer for layer in given if _has_plain_lora(layer)]
    extra = {name for name, _ in attention.named_children()} - {*PRODUCTS, *HEAD_NORMS}
    activation = ACTIVATIONS.get(type(getattr(mlp, "act_fn", block)))
    if extra or activation is None or len(plain) < len(given) or len({p.scale for p in plain}) > 1:
        return None
    dim = getattr(attention, "head_dim", None)
    q, k, v, o = (layer.weight.shape for layer in plain[:4])
    if not isinstance(dim, int) or dim % 2 or q[0] % dim or k[0] % dim or k != v or o[1] != q[0]:
        return None
    norms = [read_norm(block.input_layernorm), read_norm(block.post_attention_layernorm)]
    own = [layer for name in HEAD_NORMS if (layer := getattr(attention, name, None)) is not None]
    norms += [read_norm(layer) for layer in own]
    whole = [norm for norm in norms if norm is not None]
    if len(whole) < len(norms) or any(len(norm.gain) != dim for norm in whole[2:]):
        return None
    return _Parts(
        layers=tuple(plain),
        norms=(whole[0], whole[1]),
        head_norms=(whole[2], whole[3]) if len(whole) == 4 else None,
        head_dim=dim,
        scale=float(getattr(attention, "scaling", dim**-0.5)),
        window=_window(attention),
        activation=activation,
    )


def _window(attention: Any) -> int | None:
    """The window of a block, or of some block of its model: rows beyond it take its own code."""
    own = getattr(attention, "sliding_window", None)
    return own or getattr(getattr(attention, "config", None), "sliding_window", None)


def _has_plain_lora(layer: Any) -> TypeGuard[LoraLinear]:
    """Whether a layer has LoRA without DoRA or dropout, on weights in full."""
    return (
        isinstance(layer, LoraLinear)
        and layer.magnitude is None
        and layer.dropout is None
        and not isinstance(layer.weight, Quantized)
    )


def _halves(block: Any, parts: _Parts, *, last: bool, merged: bool) -> Fused:
    """A block's halves; its layers keep W' in common memory from now on, or none."""
    q, k, v, o, gate, up, down = parts.layers
    attention = AttentionHalf(
        inward=Normed(parts.norms[0], Joined([q, k, v], merged=merged)),
        outward=Joined([o], merged=merged),
        heads=len(q.dense()) // parts.head_dim,
        groups=len(k.dense()) // parts.head_dim,
        head_dim=parts.head_dim,
        scale=parts.scale,
        head_norms=parts.head_norms,
    )
    gated = GatedHalf(
        inward=Normed(parts.norms[1], Joined([gate, up], merged=merged)),
        outward=Joined([down], merged=merged),
        activation=parts.activation,
    )
    return Fused(attention, gated, parts.window, last, block.forward)


def _agreeing(model: Any, found: dict[nn.Module, Fused]) -> set[nn.Module]:
    """The blocks whose own code has the halves' output and gradients, by one pass over two rows."""
    agreeing: set[nn.Module] = set()
    generator = torch.Generator().manual_seed(0)

    def trying(block: nn.Module, fused: Fused) -> Callable[..., Any]:
        def forward(hidden: Tensor, *args: Any, **kwargs: Any) -> Any:
            states = torch.randn(hidden.shape, generator=generator).to(hidden)
            with _random_b(fused, block, generator):
                if _agrees(fused, states, args, kwargs, generator):
                    agreeing.add(block)
            return hidden

        return forward

    forest = build_forest([TokenRow(ids, (0.0,) * len(ids)) for ids in TRIAL])
    last = context_of(model.config.get_text_config()) - 1
    spread = torch.linspace(0, last, forest.unique_tokens).long()  # some scale by position
    for block, fused in found.items():
        block.forward = trying(block, fused)
    try:
        hidden_states(model, replace(forest, position_ids=spread))
    finally:
        for block in found:
            del block.forward
    return agreeing


@contextmanager
def _random_b(fused: Fused, block: nn.Module, generator: torch.Generator) -> Iterator[None]:
    """Gives adapters that start at zero, and so would compute nothing, values for a while."""
    every = layers(block).values()
    before = [factor.detach().clone() for factor in fused.factors]
    try:
        for layer in every:
            drawn = torch.randn(layer.lora_b.shape, generator=generator)
            layer.lora_b.data.copy_(drawn).mul_(RANDOM_B)
            layer.merge()
        yield
    finally:
        for factor, values in zip(fused.factors, before, strict=True):
            factor.data.copy_(values)
        for layer in every:
            layer.merge()


def _agrees(
    fused: Fused,
    states: Tensor,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    generator: torch.Generator,
) -> bool:
    """Whether own code and halves make the same of random states, gradients included."""
    toward = torch.randn(states.shape, generator=generator).to(states)
    results = []
    for forward in (fused.own, fused):
        leaf = states.clone().requires_grad_()
        try:
            with torch.enable_grad():
                out = forward(leaf, *args, **kwargs)
                grads = torch.autograd.grad((out * toward).sum(), [leaf, *fused.factors])
        except (KeyError, TypeError, RuntimeError):  # it wants what halves do not get, or the like
            return False
        results.append([out.detach() - states, grads[0] - toward, *grads[1:]])
    return all(
        float((own - other).norm()) <= TOLERANCE * float(own.norm())
        for own, other in zip(*results, strict=True)
    )
