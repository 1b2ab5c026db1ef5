"""A tuned model as a folder of its own, for when its weights themselves were trained."""

from __future__ import annotations

from pathlib import Path

from tunery.models.load import LoadedModel


def save_whole(model: LoadedModel, folder: Path) -> None:
    """Writes weights, configuration and tokenizer as transformers does; the folder is created."""
    model.network.save_pretrained(folder)
    model.template.tokenizer.save_pretrained(folder)
