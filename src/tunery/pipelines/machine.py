"""What a run was made on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

LIBRARIES = ("tunery", "torch", "transformers", "tokenizers", "safetensors")


def describe_machine() -> str:
    """Processor, usable cores and memory, in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().total / 2**30
    return f"{processor()}, {cores} cores, {memory:.0f} GiB, {platform.system()}"


def processor() -> str:
    """Name of the processor, as the operating system has it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
