"""The engine's models, as the wire shows them."""

from __future__ import annotations

from tunery.api.errors import ApiError
from tunery.api.models.protocol import ModelList, ModelObject
from tunery.serve.engine import Engine, ServedModel

_NAMES_SHOWN = 20


def list_models(engine: Engine) -> ModelList:
    """Every model that `engine` answers for."""
    return ModelList(data=[_as_object(model) for model in engine.models()])


def show_model(engine: Engine, name: str) -> ModelObject:
    """One model.

    Raises:
        ApiError: 404, there is no model of this name.
    """
    return _as_object(find_model(engine, name))


def find_model(engine: Engine, name: str) -> ServedModel:
    """The engine's entry for `name`.

    Raises:
        ApiError: 404, there is no model of this name; the message lists those that there are.
    """
    models = engine.models()
    for model in models:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in models[:_NAMES_SHOWN]) or "none"
    more = f" and {len(models) - _NAMES_SHOWN} more" if len(models) > _NAMES_SHOWN else ""
    raise ApiError(
        f"There is no model '{name[:200]}' here; the models are: {names}{more}.",
        "Use one of these names.",
        status=404,
        param="model",
        code="model_not_found",
    )


def _as_object(model: ServedModel) -> ModelObject:
    parent = None if model.base == model.name else model.base
    return ModelObject(id=model.name, created=model.created, owned_by="tunery", parent=parent)
