"""The base model of a run: opened, and compared where its type has no proof."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunery.config.conflicts import check_conflicts
from tunery.config.run import RunConfig
from tunery.models.load import LoadedModel, open_model
from tunery.models.new_tokens import add_tokens
from tunery.models.proven import PROVEN, UNSHARED
from tunery.models.token_row import TokenRow
from tunery.prefix import attention
from tunery.prefix.self_check import compare_with_plain


def open_base(config: RunConfig, folder: Path) -> LoadedModel:
    """Loads a run's model and gives it the run's new tokens, before any row is rendered.

    Args:
        config: The run.
        folder: The model's files.

    Raises:
        UserError: It cannot be loaded, or the method's tokens cannot be added.
    """
    check_conflicts(config.method)
    attention.register()
    model = open_model(config.model, folder, attention=attention.NAME, unproven=config.unproven)
    return add_tokens(model, config.method.new_tokens) if config.method.new_tokens else model


def compare_unproven(model: LoadedModel, rows: Sequence[TokenRow]) -> str | None:
    """Compares a model whose type has no proof with the plain computation, before it is trained.

    Args:
        model: From `open_base`, unchanged since.
        rows: Training rows, at least one.

    Returns:
        What was compared, in sentences; None for a proven type.

    Raises:
        UserError: The two differ, see `prefix.self_check.compare_with_plain`.
    """
    kind = model.network.config.model_type
    if kind in PROVEN or kind in UNSHARED:
        return None
    same = compare_with_plain(model.network, rows)
    return (
        f"Models of type {kind} have no proof. On {same.rows} rows, {same.targets} "
        f"log-probabilities differ by at most {same.difference:.2g} nats from the plain "
        "computation; gradients were not compared."
    )
