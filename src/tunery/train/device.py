"""What this machine computes with, and why."""

from __future__ import annotations

import ctypes
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from tunery.models.products import by_onednn

CONTAINER = Path("/sys/fs/cgroup")
"""Where Linux (cgroup v2) says what a container may use."""

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Names of malloc.h: free memory that is given back, and how many pieces get a mapping each."""

SIZE = 512
"""Side of the matrices of the timed product: near those of a small model's layers."""


@dataclass(frozen=True, slots=True)
class ComputeChoice:
    """The type of numbers that training computes with.

    Attributes:
        dtype: Always float32 in this version.
        reason: Why, in words.
        gflops: Rate of a float32 product, in 1e9 operations a second.
        bfloat16_gflops: Rate of a bfloat16 product.
    """

    dtype: torch.dtype
    reason: str
    gflops: float
    bfloat16_gflops: float


def choose_compute() -> ComputeChoice:
    """Times a product in float32 and bfloat16, with the threads set now, in under a second.

    Common trainers take bfloat16 unasked, which is several times slower on a CPU without units for
    it. Where bfloat16 is faster, float32 is still used: only there are the gradients proven.
    """
    full, half = product_rate(torch.float32, 5), product_rate(torch.bfloat16, 1)
    if full >= half:
        why = f"bfloat16 products are {full / half:.1f} times slower on this CPU"
    else:
        why = (
            f"gradients are proven in float32; bfloat16 products are {half / full:.1f} times faster"
        )
    rates = f"{full:.0f} against {half:.0f} GFLOP/s"
    if by_onednn():
        rates += "; by oneDNN, the faster library on this processor"
    return ComputeChoice(torch.float32, f"{why} ({rates})", full, half)


def product_rate(dtype: torch.dtype, repeats: int) -> float:
    """Best rate of a square product, in GFLOP/s."""
    left = torch.ones(SIZE, SIZE, dtype=dtype)
    best = float("inf")
    for _ in range(repeats + 1):  # the first one warms up
        start = time.perf_counter()
        left @ left
        best = min(best, time.perf_counter() - start)
    return 2 * SIZE**3 / best / 1e9


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of the machine and of this process, in bytes.

    Attributes:
        free: Can be taken without swapping.
        used: This process holds now.
    """

    free: int
    used: int


def keep_freed_memory() -> bool:
    """Lets the process keep memory that it frees, for the next tensor of that size.

    glibc gives large pieces back to the system and gets them back zeroed, page by page, in every
    step; elsewhere nothing is done.

    Returns:
        Whether it was asked for.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL("libc.so.6")
        set_option, trim = libc.mallopt, libc.malloc_trim
    except (OSError, AttributeError):  # another C library
        return False
    trim(0)  # an earlier training's, which would not count as free
    return bool(set_option(M_MMAP_MAX, 0) and set_option(M_TRIM_THRESHOLD, -1))


def memory_limit(container: Path = CONTAINER) -> int:
    """Bytes that processes here can have at all: the machine's, or the container's.

    Args:
        container: As for `memory_now`.
    """
    limit = container / "memory.max"
    text = limit.read_text().strip() if limit.is_file() else ""
    total = psutil.virtual_memory().total
    return min(total, int(text)) if text.isdigit() else total


def memory_now(container: Path = CONTAINER) -> Memory:
    """Asks the operating system; a container's own limit counts where it is lower.

    Args:
        container: Holds the container's `memory.max` and `memory.current`, if there is one.
    """
    free = psutil.virtual_memory().available
    limit, used = container / "memory.max", container / "memory.current"
    if limit.is_file() and limit.read_text().strip().isdigit():
        free = min(free, max(0, int(limit.read_text()) - int(used.read_text())))
    return Memory(free, psutil.Process().memory_info().rss)
