"""The app that is measured: one log topic with a long history, of which the window holds the newest part."""

from fastapi import FastAPI

from pulse_radar import Pulse

__all__ = ["TOPIC", "app"]

TOPIC = "events"

pulse = Pulse()
pulse.topic(TOPIC, retain=1_000_000)
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
