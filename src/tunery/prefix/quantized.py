"""Frozen weights in 4 or 8 bits, by bitsandbytes (QLoRA, Dettmers et al. 2023).

`nf4`: blocks of 64 weights, each with the largest as its scale, 4.5 bits a weight. `int8`: rows,
each with its largest as its scale, 8 bits a weight.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

import torch
from torch import Tensor

from tunery.errors import UserError

Kind = Literal["nf4", "int8"]


class Quantized:
    """A weight in few bits; `dense` makes a copy in float32 each time.

    Args:
        weight: [o, i] float32.
        kind: The format.

    Raises:
        UserError: bitsandbytes is not installed.
    """

    requires_grad = False

    def __init__(self, weight: Tensor, kind: Kind) -> None:
        self.shape, self.kind = weight.shape, kind
        self._functional = _bitsandbytes()
        plain = weight.detach().contiguous()
        if kind == "nf4":
            self._bits, self._scales = self._functional.quantize_4bit(
                plain, blocksize=64, quant_type="nf4"
            )
        else:
            self._bits, self._scales, _ = self._functional.int8_vectorwise_quant(plain)

    def dense(self) -> Tensor:
        """The weight as it is computed with, [o, i] float32."""
        if self.kind == "nf4":
            out: Tensor = self._functional.dequantize_4bit(self._bits, self._scales)
        else:
            out = self._functional.int8_vectorwise_dequant(self._bits, self._scales)
        return out.to(torch.float32)

    def numel(self) -> int:
        """Weights, not bytes."""
        return self.shape.numel()


def _bitsandbytes() -> Any:
    # It warns of a kernel for products in 4 bits, which are not computed here.
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
    try:
        import bitsandbytes.functional as functional
    except ImportError as error:
        raise UserError(
            f"method.quantize needs bitsandbytes, which cannot be imported: {error}.",
            "Install it with `pip install 'tunery[quant]'`, or leave method.quantize out.",
        ) from error
    return functional
