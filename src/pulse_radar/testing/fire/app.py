"""An API process of the run: the topics of the run, and nothing else."""

from fastapi import FastAPI

from pulse_radar import Pulse
from pulse_radar.testing.fire.shape import TOPICS

__all__ = ["app", "pulse"]

pulse = Pulse()
for topic in TOPICS:
    if topic.kind == "state":
        pulse.topic(topic.name, kind="state", ttl=topic.ttl_seconds)
    else:
        pulse.topic(topic.name, retain=topic.retain)
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
