"""What this machine has, and what it lacks for a training."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunery.cli.crash import tunery_version

if TYPE_CHECKING:
    from tunery.models.catalog import CatalogEntry
    from tunery.workspace import Workspace

GIB = 2**30

LIBRARIES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "huggingface-hub",
    "gguf",
    "numpy",
    "pydantic",
    "fastapi",
    "uvicorn",
    "typer",
    "rich",
)

RUN_GIB = 0.2
"""Disk that a run with its checkpoints takes, once the model is there."""

# What decides the speed of matrix products: a name to the flags that mean it. x86, then Arm.
CPU_UNITS = {
    "avx2": {"avx2"},
    "avx512": {"avx512f"},
    "avx512-bf16": {"avx512_bf16"},
    "amx": {"amx_tile"},
    "neon": {"asimd"},
    "sve": {"sve"},
    "arm-bf16": {"bf16"},
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that makes training impossible.

    Attributes:
        message: What was found and what is needed.
        hint: What to do about it.
    """

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Compute:
    """What training computes with.

    Attributes:
        dtype: Type of the numbers.
        reason: Why.
        gflops: Rate of a product in that type, in 1e9 operations a second.
    """

    dtype: str
    reason: str
    gflops: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Facts by name, as JSON values, and what they make impossible."""

    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def measure_compute() -> Compute:
    """Times products on this machine; loads torch."""
    from tunery.train.device import choose_compute

    choice = choose_compute()
    dtype = str(choice.dtype).removeprefix("torch.")
    return Compute(dtype, choice.reason, round(choice.gflops, 1))


def memory() -> tuple[int, int]:
    """Bytes of memory: of the machine, and those that can be taken without swapping."""
    import psutil

    now = psutil.virtual_memory()
    return now.total, now.available


def disk_free(folder: Path) -> int:
    """Bytes that are free where a folder lies or would lie."""
    return shutil.disk_usage(_nearest_existing(folder)).free


@dataclass(frozen=True, slots=True)
class Probes:
    """How the machine is asked; a test puts its own functions here.

    Attributes:
        compute: As `measure_compute`.
        memory: As `memory`.
        disk_free: As `disk_free`.
        writable: As `is_writable`.
    """

    compute: Callable[[], Compute] = measure_compute
    memory: Callable[[], tuple[int, int]] = memory
    disk_free: Callable[[Path], int] = disk_free
    writable: Callable[[Path], bool] = lambda folder: is_writable(folder)


def diagnose(workspace: Workspace, probes: Probes) -> Diagnosis:
    """Collects what decides whether and how fast this machine can train.

    Args:
        workspace: The home folder.
        probes: How the machine is asked.
    """
    found = Diagnosis()
    _add_software(found)
    _add_processor(found, probes)
    by_memory = _tunable_by_memory()
    _add_memory(found, probes, by_memory)
    _add_home(found, workspace, probes, by_memory[0])
    return found


def is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or where it would be made; leaves nothing behind."""
    try:
        with tempfile.TemporaryFile(dir=_nearest_existing(folder)):
            return True
    except OSError:
        return False


def cpu_units(cpuinfo: str) -> list[str]:
    """Names of the units for fast products that a processor has.

    Args:
        cpuinfo: Content of `/proc/cpuinfo`; empty where there is none.
    """
    flags: set[str] = set()
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            flags.update(value.split())
    return [name for name, wanted in CPU_UNITS.items() if wanted & flags]


def _add_software(found: Diagnosis) -> None:
    found.facts["tunery"] = tunery_version()
    found.facts["python"] = platform.python_version()
    found.facts["python_path"] = sys.executable
    found.facts["platform"] = platform.platform()
    found.facts["versions"] = {name: _version(name) for name in LIBRARIES}


def _add_processor(found: Diagnosis, probes: Probes) -> None:
    from tunery.pipelines.machine import processor

    found.facts["processor"] = processor()
    found.facts["cores"] = _usable_cores()
    info = Path("/proc/cpuinfo")
    found.facts["processor_units"] = (
        cpu_units(info.read_text("utf-8", "replace")) if info.exists() else None
    )
    found.facts["device"] = "cpu"
    try:
        compute = probes.compute()
    except (ImportError, OSError) as error:
        found.problems.append(
            Problem(f"torch cannot be loaded: {error}.", "Install Tunery's dependencies again.")
        )
        return
    found.facts["compute_type"] = compute.dtype
    found.facts["compute_reason"] = compute.reason
    found.facts["gflops"] = compute.gflops


def _add_memory(found: Diagnosis, probes: Probes, by_memory: Sequence[CatalogEntry]) -> None:
    smallest = by_memory[0]
    total, free = probes.memory()
    found.facts["memory_gib"] = round(total / GIB, 1)
    found.facts["memory_free_gib"] = round(free / GIB, 1)
    fitting = [entry for entry in by_memory if entry.footprint.lora_gib <= free / GIB]
    found.facts["largest_tunable"] = fitting[-1].name if fitting else None
    if not fitting:
        found.problems.append(
            Problem(
                f"{free / GIB:.1f} GiB of memory are free; tuning the smallest model of the "
                f"catalog, {smallest.name}, takes {smallest.footprint.lora_gib:.1f} GiB.",
                "Close other programs, or use a machine with more memory.",
            )
        )


def _add_home(
    found: Diagnosis, workspace: Workspace, probes: Probes, smallest: CatalogEntry
) -> None:
    from tunery.models.sources import fetched_models

    writable = probes.writable(workspace.home)
    fetched = len(fetched_models(workspace.home))
    free_gib = probes.disk_free(workspace.home) / GIB
    found.facts["home"] = str(workspace.home)
    found.facts["home_writable"] = writable
    found.facts["home_free_gib"] = round(free_gib, 1)
    found.facts["offline"] = workspace.offline
    found.facts["fetched_models"] = fetched
    found.facts["tuned_models"] = len(workspace.tuned())
    found.facts["damaged_models"] = [str(error) for error in workspace.damaged()]
    if not writable:
        found.problems.append(
            Problem(
                f"The home folder {workspace.home} cannot be written.",
                "Change its rights, or set TUNERY_HOME to another folder.",
            )
        )
    # Until a model is here, its download and the weights made of it must fit as well.
    needed_gib = RUN_GIB if fetched else RUN_GIB + 2 * 4 * smallest.parameters / GIB
    if free_gib < needed_gib:
        found.problems.append(
            Problem(
                f"{free_gib:.1f} GiB are free on the disk of {workspace.home}; a first training "
                f"takes about {needed_gib:.1f} GiB.",
                "Free some space, or set TUNERY_HOME to a folder on another disk.",
            )
        )


def _tunable_by_memory() -> list[CatalogEntry]:
    """The models of the catalog that may be tuned, the one that takes least memory first."""
    from tunery.models.catalog import load_catalog

    entries = [entry for entry in load_catalog().values() if entry.tunable != "no"]
    return sorted(entries, key=lambda entry: entry.footprint.lora_gib)


def _version(library: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _usable_cores() -> int:
    import psutil

    # A container or a batch system may give the process fewer cores than the machine has.
    process = psutil.Process()
    usable = len(process.cpu_affinity() or ()) if hasattr(process, "cpu_affinity") else 0
    return usable or psutil.cpu_count() or 1


def _nearest_existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
