"""AdamW over all trained weights as one packed vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class PackedAdamW:
    """AdamW (Loshchilov and Hutter 2019, algorithm 2) on parameters packed into one vector.

    Hundreds of small matrices become views of one vector, so a step, the gradient's norm and a
    checkpoint are one operation each. torch's own AdamW does the arithmetic, fused: without it each
    step makes temporary vectors as long as all weights.

    Args:
        parameters: Leaf tensors that require a gradient. Their storage is replaced by views;
            their order matters for checkpoints.
        weight_decay: Decoupled weight decay.
    """

    def __init__(self, parameters: Sequence[Tensor], weight_decay: float) -> None:
        total = sum(parameter.numel() for parameter in parameters)
        self.values = nn.Parameter(torch.empty(total))
        self.values.grad = torch.zeros(total)
        start = 0
        for parameter in parameters:
            part = slice(start, start + parameter.numel())
            view = self.values.data[part].view_as(parameter)
            view.copy_(parameter.data)
            parameter.data = view
            parameter.grad = self.values.grad[part].view_as(parameter)
            start = part.stop
        self._parameters = parameters
        self._adamw = torch.optim.AdamW(
            [self.values], lr=0.0, weight_decay=weight_decay, fused=True
        )

    def step(self, learning_rate: float, max_grad_norm: float) -> float:
        """Clips the gradient, moves the parameters, and clears the gradient.

        Returns:
            Euclidean norm of the gradient before clipping.
        """
        norm = torch.nn.utils.clip_grad_norm_([self.values], max_grad_norm)
        self._adamw.param_groups[0]["lr"] = learning_rate
        self._adamw.step()
        gradient = self.values.grad
        if gradient is not None:
            gradient.zero_()
        return float(norm)

    def release(self) -> None:
        """Gives each parameter memory of its own again and frees gradients and moments.

        No step can follow.
        """
        self._adamw.state.clear()
        self.values.grad = None
        for parameter in self._parameters:
            parameter.grad = None
        for parameter in self._parameters:
            parameter.data = parameter.data.clone()

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on."""
        moments = self._adamw.state[self.values]
        return {"values": self.values.detach(), **{name: moments[name] for name in moments}}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Takes over what `state` gave."""
        with torch.no_grad():
            self.values.copy_(state["values"])
        self._adamw.state[self.values] = {
            name: tensor.clone() for name, tensor in state.items() if name != "values"
        }
