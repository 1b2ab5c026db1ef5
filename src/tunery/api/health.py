"""Whether the server answers at all: for start scripts and load balancers."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

HEALTH_PATH: Final = "/health"


def health_router() -> APIRouter:
    """`GET /health`, which needs no key and tells nothing but that the server runs."""
    router = APIRouter(tags=["health"])

    @router.get(HEALTH_PATH)
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return router
