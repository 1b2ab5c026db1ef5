"""What a stopped training needs to go on, on disk.

A checkpoint is a folder `step-000030` with `state.safetensors` (parameters and optimizer) and
`meta.json` (step, what was trained, checksum). It is written beside its final place, flushed to
disk, and renamed: a folder of that name is whole. One that was damaged later is renamed to
`damaged-step-000030`, so that it counts as no checkpoint any more.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunery.errors import MismatchError

STATE_FILE = "state.safetensors"
META_FILE = "meta.json"
NAME = re.compile(r"step-(\d{6,})")
FORMAT = 1
"""Of `meta.json` and of the tensors' names; another number is read by another version."""

UNREADABLE = (OSError, ValueError, KeyError, TypeError, SafetensorError)
"""What reading a damaged checkpoint raises."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training after `step` steps.

    Attributes:
        step: Steps done.
        budget: Unique tokens computed at once; the cut of a step decides how its sum is rounded.
        tensors: What `PackedAdamW.state` gave.
        identity: What must be the same for the training to go on; plain values.
        progress: What else the training must know to go on, in JSON values by who needs it.
        rounding: What else decides how sums are rounded; plain values by name.
    """

    step: int
    budget: int
    tensors: Mapping[str, Tensor]
    identity: Mapping[str, Any]
    progress: Mapping[str, Any] = field(default_factory=dict)
    rounding: Mapping[str, Any] = field(default_factory=dict)


def save(checkpoint: Checkpoint, folder: Path, keep: int, spare: int | None = None) -> Path:
    """Writes a checkpoint, then removes all but the newest `keep` and that of step `spare`."""
    folder.mkdir(parents=True, exist_ok=True)
    final = place(folder, checkpoint.step)
    for left_behind in folder.glob(".step-*"):
        shutil.rmtree(left_behind)
    draft = folder / f".{final.name}"
    draft.mkdir()
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    save_file(tensors, draft / STATE_FILE)
    meta = {
        "format": FORMAT,
        "step": checkpoint.step,
        "budget": checkpoint.budget,
        "identity": dict(checkpoint.identity),
        "progress": dict(checkpoint.progress),
        "rounding": dict(checkpoint.rounding),
        "sha256": _sha256(draft / STATE_FILE),
    }
    (draft / META_FILE).write_text(json.dumps(meta, indent=2) + "\n", "utf-8")
    for path in (draft / STATE_FILE, draft / META_FILE, draft):
        _flush(path)
    shutil.rmtree(final, ignore_errors=True)
    draft.rename(final)
    _flush(folder)
    for step in _newest_first(folder)[keep:]:
        if step != spare:
            shutil.rmtree(place(folder, step))
    return final


def load_newest(
    folder: Path, identity: Mapping[str, Any], on_damage: Callable[[str], None]
) -> Checkpoint | None:
    """Reads the newest whole checkpoint; None if there is none.

    Newer ones that cannot be read are moved aside: else they would count among those that are
    kept, in place of the ones that the training writes from now on.

    Args:
        folder: Where `save` wrote.
        identity: Of the training that wants to go on.
        on_damage: Told of each checkpoint that cannot be read, where it is now, and what is done
            instead.

    Raises:
        MismatchError: The checkpoint was written by a training of something else, or by a version
            of Tunery with another format.
    """
    damaged: dict[Path, Exception] = {}
    found = None
    for step in _newest_first(folder):
        path = place(folder, step)
        try:
            found = _read(path)
        except MismatchError:  # a ValueError too, but no damage
            raise
        except UNREADABLE as problem:
            damaged[path] = problem
            continue
        _check_identity(path, found.identity, identity)
        break
    instead = "starts from the first step" if found is None else f"goes on after step {found.step}"
    for path, error in damaged.items():
        aside = path.with_name(f"damaged-{path.name}")
        shutil.rmtree(aside, ignore_errors=True)
        path.rename(aside)
        on_damage(
            f"Checkpoint {path} cannot be read ({error}); it was moved to {aside.name}, and the "
            f"training {instead}."
        )
    return found


def load_step(folder: Path, step: int, on_damage: Callable[[str], None]) -> Checkpoint | None:
    """Reads the checkpoint of one step; None if it is not there or cannot be read.

    Args:
        folder: Where `save` wrote.
        step: Of the checkpoint.
        on_damage: Told why it cannot be read.

    Raises:
        MismatchError: It has another format.
    """
    path = place(folder, step)
    try:
        return _read(path)
    except MismatchError:
        raise
    except UNREADABLE as error:
        on_damage(f"Checkpoint {path} cannot be read ({error}).")
        return None


def _read(path: Path) -> Checkpoint:
    meta = json.loads((path / META_FILE).read_text("utf-8"))
    if not isinstance(meta, dict):
        raise ValueError(f"{META_FILE} is no JSON object")
    _check_format(path, meta.get("format"))
    if _sha256(path / STATE_FILE) != meta["sha256"]:
        raise ValueError("its checksum is wrong")
    if path != place(path.parent, int(meta["step"])):
        raise ValueError(f"it is of step {meta['step']}")
    return Checkpoint(
        step=int(meta["step"]),
        budget=int(meta["budget"]),
        tensors=load_file(path / STATE_FILE),
        identity=meta["identity"],
        progress=meta["progress"],
        rounding=meta["rounding"],
    )


def clear(folder: Path) -> None:
    """Removes the checkpoints of an earlier training."""
    shutil.rmtree(folder, ignore_errors=True)


def _check_format(path: Path, found: Any) -> None:
    if found != FORMAT:
        raise MismatchError(
            f"Checkpoint {path} has the format {'none' if found is None else found}; this version "
            f"of Tunery goes on from format {FORMAT}.",
            "Go on with the version that wrote it, or run it without --resume to start anew.",
        )


def _check_identity(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    differing = [
        f"{key}: the checkpoint has {found.get(key)!r}, this run {wanted.get(key)!r}"
        for key in sorted(set(found) | set(wanted))
        if found.get(key) != wanted.get(key)
    ]
    if differing:
        raise MismatchError(
            f"Checkpoint {path} belongs to another training. " + "; ".join(differing) + ".",
            "Give the run another name, or run it without --resume to start anew.",
        )


def place(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step is, or would be."""
    return folder / f"step-{step:06d}"


def _newest_first(folder: Path) -> list[int]:
    """Steps of the checkpoints there."""
    found = (NAME.fullmatch(path.name) for path in folder.glob("step-*"))
    return sorted((int(match[1]) for match in found if match), reverse=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
