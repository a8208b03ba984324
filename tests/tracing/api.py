"""An API process that is traced, and answers what it traced."""

from fastapi import FastAPI

from pulse_radar import Pulse
from pulse_radar.jobs import Jobs
from tests.tracing import collecting

tracer = collecting.start()
pulse = Pulse()
pulse.topic("knowledge")
jobs = Jobs(pulse)
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)


@app.post("/atoms/{atom}")
async def create(atom: str) -> None:
    with tracer.start_as_current_span("route"):
        await pulse.publish("knowledge", "atom_created", {}, key=atom)


@app.get("/traced")
async def traced() -> dict[str, object]:
    return {"spans": collecting.spans(), "lags": collecting.lags()}
