"""Files of a base and its adapters to an engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tunery.models.adapters import load_adapter
from tunery.models.load import open_model, set_threads
from tunery.models.registry import TunedModel
from tunery.prefix import attention
from tunery.serve.engines.torch import TorchEngine


def open_torch_engine(
    base: str, folder: Path, tuned: Sequence[TunedModel], threads: int | None = None
) -> TorchEngine:
    """Loads a base and its adapters.

    Args:
        base: Name of the base model.
        folder: Its files.
        tuned: Tuned models of this base.
        threads: CPU threads; all cores by default.

    Raises:
        UserError: The files cannot be loaded.
    """
    set_threads(threads)
    attention.register()
    # Whoever tuned this base said what `run.unproven` says, and it was compared then.
    model = open_model(base, folder, attention=attention.NAME, unproven=bool(tuned))
    adapters = {item.name: load_adapter(item.folder) for item in tuned if not item.whole}
    wholes = {
        item.name: partial(
            open_model, item.name, item.folder, attention=attention.NAME, unproven=True
        )
        for item in tuned
        if item.whole
    }
    created = {item.name: item.created for item in tuned}
    created[base] = int((folder / "config.json").stat().st_mtime)
    return TorchEngine(model, adapters, created, wholes)
