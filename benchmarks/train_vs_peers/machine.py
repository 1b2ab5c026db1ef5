"""What the measurements were made on."""

from __future__ import annotations

import os
import platform
from typing import Any

import psutil

from benchmarks.train_vs_peers.options import usable_cores
from tunery.pipelines.machine import processor


def describe() -> dict[str, Any]:
    """Processor, cores, memory, system and Python; JSON values."""
    return {
        "cpu": processor(),
        "cores": usable_cores(),
        "cores_of_machine": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
