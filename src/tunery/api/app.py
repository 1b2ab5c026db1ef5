"""The web application: every route, behind the checks that all requests pass."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from anyio import CapacityLimiter
from fastapi import FastAPI

from tunery.api.auth import ApiKeyMiddleware
from tunery.api.body_limit import BodyLimitMiddleware
from tunery.api.chat.routes import chat_router
from tunery.api.envelope import EnvelopeMiddleware
from tunery.api.errors import install_error_handlers
from tunery.api.health import HEALTH_PATH, health_router
from tunery.api.ignored_fields import IgnoredFields
from tunery.api.models.routes import models_router
from tunery.api.origin import LOOPBACK_HOSTS, OriginMiddleware
from tunery.serve.engine import Engine

MAX_BODY_BYTES: Final = 8 * 1024 * 1024  # far above any context, far below what hurts memory
MAX_PARALLEL: Final = 64  # engine calls at once, a thread each; further requests wait


def create_app(
    engine: Engine,
    *,
    api_key: str | None = None,
    allowed_hosts: Collection[str] | None = LOOPBACK_HOSTS,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_parallel: int = MAX_PARALLEL,
) -> FastAPI:
    """Builds the application around an engine.

    Args:
        engine: Answers the requests; called from several threads at once.
        api_key: The key that every request but `GET /health` must bring; None asks for none.
        allowed_hosts: Names that a request's `Host` header may carry, without port; None takes
            any, which is safe only with an API key or behind a proxy that checks them.
        max_body_bytes: Larger request bodies are refused.
        max_parallel: Engine calls that run at once; further requests wait for their turn.

    Returns:
        The application, with `/openapi.json` but without documentation pages, because those
        load their scripts from elsewhere.
    """
    app = FastAPI(title="Tunery", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(health_router())
    app.include_router(models_router(engine), prefix="/v1")
    app.include_router(
        chat_router(engine, CapacityLimiter(max_parallel), IgnoredFields()), prefix="/v1"
    )
    install_error_handlers(app)
    # The last one added sees a request first.
    app.add_middleware(BodyLimitMiddleware, max_body_bytes=max_body_bytes)
    if api_key is not None:
        app.add_middleware(ApiKeyMiddleware, api_key=api_key, open_paths={HEALTH_PATH})
    app.add_middleware(OriginMiddleware, allowed_hosts=allowed_hosts)
    app.add_middleware(EnvelopeMiddleware)
    return app
