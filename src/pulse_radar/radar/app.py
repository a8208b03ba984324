"""The application: a Pulse with the seven topics, and the page."""

from fastapi import FastAPI

import pulse_radar
from pulse_radar.pulse import Pulse
from pulse_radar.radar.page import page_router
from pulse_radar.radar.topics import declare_topics
from pulse_radar.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app that `pulse-radar serve` runs. Raises: InvalidSetting."""
    pulse = Pulse(settings=settings)
    declare_topics(pulse)
    app = FastAPI(title="Pulse Radar", version=pulse_radar.__version__, lifespan=pulse.lifespan)
    app.include_router(pulse.router)
    app.include_router(page_router)
    return app
