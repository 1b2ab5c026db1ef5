"""Files of a base and its adapters to an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tunery.models.adapters import Adapter, load_adapter
from tunery.models.chat_template import ChatTemplate
from tunery.models.load import LoadedModel, open_model, set_threads
from tunery.models.new_tokens import own_template
from tunery.models.registry import TunedModel
from tunery.prefix import attention
from tunery.prefix.attach import wear
from tunery.prefix.sharing import check_decodes
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
        UserError: The files cannot be loaded, or the model can be trained only.
    """
    set_threads(threads)
    attention.register()
    # Whoever tuned this base said what `run.unproven` says, and it was compared then.
    model = open_model(base, folder, attention=attention.NAME, unproven=bool(tuned))
    check_decodes(model.network)
    loaded = {item.name: load_adapter(item.folder) for item in tuned if not item.whole}
    adapters = {name: adapter for name, adapter in loaded.items() if not adapter.own_embedding}
    wholes = {
        item.name: partial(
            open_model, item.name, item.folder, attention=attention.NAME, unproven=True
        )
        for item in tuned
        if item.whole
    }
    templates = {}
    for item in tuned:
        if item.name in loaded and item.name not in adapters:
            template = own_template(item.folder, model.template) or model.template
            templates[item.name] = template
            wholes[item.name] = partial(_worn, item, folder, loaded[item.name], template)
    created = {item.name: item.created for item in tuned}
    created[base] = int((folder / "config.json").stat().st_mtime)
    return TorchEngine(model, adapters, created, wholes, templates)


def _worn(item: TunedModel, base: Path, adapter: Adapter, template: ChatTemplate) -> LoadedModel:
    """An adapter with an embedding of its own on a base of its own."""
    model = open_model(item.name, base, attention=attention.NAME, unproven=True)
    wear(model.network, adapter)
    return replace(model, template=template)
