"""The application: a Pulse with the seven topics, a store, the routes of both, and the page."""

import logging
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

import pulse_radar
from pulse_radar.jobs import Jobs
from pulse_radar.pulse import Pulse
from pulse_radar.radar.api import api_router
from pulse_radar.radar.bodies import BoundedBodies
from pulse_radar.radar.connections import Desk, connections_router
from pulse_radar.radar.ingestion_routes import ingestion_router
from pulse_radar.radar.jobs.requeue import QueueAgain
from pulse_radar.radar.page import page_router
from pulse_radar.radar.running import Radar
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.topics import declare_topics
from pulse_radar.settings import Settings

__all__ = ["create_app"]

_log: Final = logging.getLogger("pulse_radar.store")


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app that `pulse-radar serve` runs. Raises: InvalidSetting."""
    pulse = Pulse(settings=settings)
    declare_topics(pulse)
    jobs = Jobs(pulse, QueueAgain(pulse.settings))
    radar = Radar(pulse, RadarSettings.load())
    app = FastAPI(title="Pulse Radar", version=pulse_radar.__version__, lifespan=radar.lifespan)
    app.add_middleware(BoundedBodies)
    app.add_exception_handler(RequestValidationError, _say_what_is_wrong)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(away, _say_that_it_is_away)
    app.include_router(pulse.router)
    app.include_router(jobs.router)
    app.include_router(ingestion_router(radar, jobs))
    app.include_router(api_router(radar))
    app.include_router(connections_router(pulse, Desk(pulse)))
    app.include_router(page_router)
    return app


async def _say_what_is_wrong(_request: Request, error: Exception) -> JSONResponse:
    """422, without what was sent, which FastAPI would repeat: it may be a key."""
    assert isinstance(error, RequestValidationError)
    wrong = [{name: one[name] for name in ("loc", "msg", "type")} for one in error.errors()]
    return JSONResponse({"detail": wrong}, 422)


async def _say_that_it_is_away(request: Request, error: Exception) -> JSONResponse:
    """503, as of a broker that is away. What the driver says is for the log: it may have an address in it."""
    _log.error("the database did not answer %s %s: %s", request.method, request.url.path, error)
    detail = "the database does not answer, or is locked: try again"
    return JSONResponse({"detail": detail}, 503, {"Retry-After": "2"})
