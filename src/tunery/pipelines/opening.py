"""The base model of a run, as its rows are rendered and its training begins."""

from __future__ import annotations

from pathlib import Path

from tunery.config.run import RunConfig
from tunery.models.load import LoadedModel, open_model
from tunery.models.new_tokens import add_tokens
from tunery.prefix import attention
from tunery.train.trainable import check_embeddings


def open_base(config: RunConfig, folder: Path, *, unproven: bool = False) -> LoadedModel:
    """Loads a run's model and gives it the run's new tokens, before any row is rendered.

    Args:
        config: The run.
        folder: The model's files.
        unproven: See `models.load.open_model`.

    Raises:
        UserError: It cannot be loaded, or the method's tokens cannot be added.
    """
    check_embeddings(config.method)
    attention.register()
    model = open_model(config.model, folder, attention=attention.NAME, unproven=unproven)
    return add_tokens(model, config.method.new_tokens) if config.method.new_tokens else model
