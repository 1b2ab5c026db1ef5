"""An RMS norm and the linear layers behind it: how each half of a block begins."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from tunery.prefix.joined import Joined
from tunery.prefix.rms_norm import RmsNorm


@dataclass(frozen=True, slots=True, eq=False)
class Normed:
    """Layers that read one normalised input.

    Attributes:
        norm: Frozen.
        layers: Computed as one product.
    """

    norm: RmsNorm
    layers: Joined

    def forward(self, x: Tensor) -> Tensor:
        """[T, d] to [T, o]."""
        return self.layers.forward(self.norm.forward(x))

    def gradients(
        self, x: Tensor, grad: Tensor, rest: Tensor, *, wanted: bool
    ) -> tuple[Tensor | None, list[Tensor]]:
        """Gradients of x and of the layers' factors.

        Args:
            x: [T, d].
            grad: Of the outputs, [T, o].
            rest: Of x by the residual that passes the half, [T, d].
            wanted: Whether that of x is asked for.
        """
        n, rate = self.norm.normalised(x)
        pushed = self.layers.pushed(grad)
        factors = self.layers.factor_gradients(n * self.norm.gain, grad, pushed)
        if not wanted:
            return None, factors
        to_y = self.layers.input_gradient(grad, pushed)
        return self.norm.input_gradient(to_y, n, rate).add_(rest), factors
