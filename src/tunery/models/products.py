"""Which library computes float32 products on this processor.

torch's default, MKL, uses half the width of an AVX-512 processor that is not Intel's. oneDNN, which
is in torch too, uses all of it: twice the rate, in float32 as well. torch takes it when it is
allowed less than full precision (`set_float32_matmul_precision("medium")`). oneDNN makes use of
that allowance only on processors with AMX, so it is not asked there, and a product is tried
elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import torch

WORST_ERROR = 1e-6
"""Relative error of a float32 product that still counts as one: bfloat16 is at 2e-3."""

SHAPE = (64, 576, 256)
"""Tokens, inputs and outputs of the product that is tried."""


def use_fastest_products(vendor: str | None = None) -> bool:
    """Chooses the library for all products of this process.

    The choice depends on the processor alone, so that every process on a machine computes alike.

    Args:
        vendor: Of the processor, as the CPU says it; asked from the system by default.

    Returns:
        Whether oneDNN computes them.
    """
    torch.set_float32_matmul_precision("highest")
    if not _worth_trying(vendor or _vendor()):
        return False
    torch.set_float32_matmul_precision("medium")
    if _error() > WORST_ERROR:
        torch.set_float32_matmul_precision("highest")
    return by_onednn()


def by_onednn() -> bool:
    """Whether oneDNN computes the products of this process."""
    return torch.get_float32_matmul_precision() == "medium"


def _worth_trying(vendor: str) -> bool:
    wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return wide and vendor != "GenuineIntel" and not torch.cpu._is_amx_tile_supported()


def _vendor() -> str:
    """The processor's vendor; GenuineIntel, for which the default is best, where none is told."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text("utf-8", "replace").splitlines() if file.is_file() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("vendor_id"))
    return next(found, "GenuineIntel")


def _error() -> float:
    """Relative error of a product, against float64."""
    tokens, inputs, outputs = SHAPE
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(tokens, inputs, generator=generator)
    weight = torch.randn(outputs, inputs, generator=generator)
    exact = x.double() @ weight.double().T
    return float(((x @ weight.T).double() - exact).norm() / exact.norm())
