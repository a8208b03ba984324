"""The app that is measured: a log with a long history, of which the window holds the newest part; and ballast."""

from fastapi import FastAPI

from pulse_radar import Pulse

__all__ = ["BALLAST", "TOPIC", "app"]

TOPIC = "events"

# Large events that nobody needs for long: what is sent to a client that is to be overwhelmed.
BALLAST = "ballast"

pulse = Pulse()
pulse.topic(TOPIC, retain=1_000_000)
pulse.topic(BALLAST, retain=100)
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
