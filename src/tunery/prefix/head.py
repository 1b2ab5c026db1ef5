"""The output layer of a model: hidden states to logits, as its family computes them.

    z = c tanh(u / c)        u = s (h W^T + b)

s is 1, b is absent and there is no cap c in most families. Granite divides its logits, Cohere
multiplies them, Phi adds a bias, Gemma 2 caps them.

Shapes: d hidden size, V vocabulary, B hidden states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tunery.prefix.thin import product

_MULTIPLIED = ("hyperclovax",)
"""Model types whose `logits_scaling` is a factor; in all others it is a divisor."""


@dataclass(frozen=True, slots=True)
class OutputLayer:
    """What turns a hidden state into logits.

    Attributes:
        weight: W, [V, d]; often the embedding itself.
        bias: b, [V]; None in most families.
        scale: s.
        softcap: c, beyond which no logit goes; None if nothing is capped.
    """

    weight: Tensor
    bias: Tensor | None = None
    scale: float = 1.0
    softcap: float | None = None

    def logits(self, hidden: Tensor) -> Tensor:
        """[B, d] to [B, V], without a gradient."""
        return self.finish(product(hidden, self.weight, self.bias))

    def finish(self, products: Tensor) -> Tensor:
        """Scales and caps h W^T + b, in place."""
        if self.scale != 1.0:
            products.mul_(self.scale)
        if self.softcap is not None:
            products.div_(self.softcap).tanh_().mul_(self.softcap)
        return products

    def slope(self, logits: Tensor) -> Tensor | None:
        """dz/du at each logit; None if it is 1 everywhere."""
        if self.softcap is None:
            return None
        return logits.div(self.softcap).square_().neg_().add_(1)


def output_layer(model: Any) -> OutputLayer:
    """Reads the output layer of a transformers causal language model."""
    config = model.config.get_text_config()
    layer = model.get_output_embeddings()
    scale = 1.0
    if getattr(config, "logit_scale", None) is not None:
        scale = float(config.logit_scale)
    elif getattr(config, "lm_head_multiplier", None) is not None:
        scale = float(config.lm_head_multiplier)
    elif getattr(config, "logits_scaling", None) is not None:
        factor = float(config.logits_scaling)
        scale = factor if config.model_type in _MULTIPLIED else 1 / factor
    cap = getattr(config, "final_logit_softcapping", None)
    if cap is None:
        cap = getattr(config, "logits_soft_cap", None)
    return OutputLayer(layer.weight, layer.bias, scale, None if cap is None else float(cap))
