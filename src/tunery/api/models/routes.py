"""The routes of the models family."""

from __future__ import annotations

from fastapi import APIRouter

from tunery.api.models.protocol import ModelList, ModelObject
from tunery.api.models.service import list_models, show_model
from tunery.serve.engine import Engine


def models_router(engine: Engine) -> APIRouter:
    """`GET /models` and `GET /models/{id}`; they are no coroutines because the engine may block."""
    router = APIRouter(tags=["models"])

    @router.get("/models")
    def get_models() -> ModelList:
        return list_models(engine)

    @router.get("/models/{model_id:path}")  # names such as `team/model:v2` hold slashes
    def get_model(model_id: str) -> ModelObject:
        return show_model(engine, model_id)

    return router
