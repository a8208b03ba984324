"""An API process: run by uvicorn, on the broker that the environment names."""

from fastapi import FastAPI

from pulse_radar import Pulse

TOPICS = ("knowledge", "messages", "tasks")

pulse = Pulse()
for topic in TOPICS:
    pulse.topic(topic, retain=100_000)
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
