"""The application: a Pulse with the seven topics, and the page."""

from fastapi import FastAPI

import pulse_radar
from pulse_radar.jobs import Jobs
from pulse_radar.pulse import Pulse
from pulse_radar.radar.ingestion_routes import ingestion_router
from pulse_radar.radar.jobs.requeue import QueueAgain
from pulse_radar.radar.page import page_router
from pulse_radar.radar.topics import declare_topics
from pulse_radar.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app that `pulse-radar serve` runs. Raises: InvalidSetting."""
    pulse = Pulse(settings=settings)
    declare_topics(pulse)
    jobs = Jobs(pulse, QueueAgain(pulse.settings))
    app = FastAPI(title="Pulse Radar", version=pulse_radar.__version__, lifespan=pulse.lifespan)
    app.include_router(pulse.router)
    app.include_router(jobs.router)
    app.include_router(ingestion_router(pulse, jobs))
    app.include_router(page_router)
    return app
