"""Models as they travel over the wire."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class ModelObject(BaseModel):
    """One model."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    """The name to use in requests."""

    object: Literal["model"] = "model"

    created: int
    """Unix time in seconds."""

    owned_by: str
    """Who serves it."""

    parent: str | None
    """Name of the base model below a tuned one; null for a base model. Not in OpenAI's API."""


class ModelList(BaseModel):
    """All models, base models first."""

    object: Literal["list"] = "list"
    data: list[ModelObject]
