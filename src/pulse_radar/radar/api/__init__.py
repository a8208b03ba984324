"""The application over HTTP: lists that say from where to follow on, and changes that are announced."""

from fastapi import APIRouter

from pulse_radar.radar.api.agents import agents_router
from pulse_radar.radar.api.ingestions import ingestions_router
from pulse_radar.radar.api.knowledge import knowledge_router
from pulse_radar.radar.api.providers import providers_router
from pulse_radar.radar.api.tasks import tasks_router
from pulse_radar.radar.running import Radar

__all__ = ["api_router"]


def api_router(radar: Radar) -> APIRouter:
    """All of it, under /api."""
    router = APIRouter(prefix="/api")
    for part in (agents_router, tasks_router, providers_router, knowledge_router, ingestions_router):
        router.include_router(part(radar))
    return router
