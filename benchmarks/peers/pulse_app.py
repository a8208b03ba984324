"""Pulse Radar, on memory://: what a publish costs at the broker is paid once an event, not once a delivery."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from benchmarks.peers.driving import EVENT, TOPIC, TOPICS, Data, driven
from pulse_radar import Pulse
from pulse_radar.auth import Jwt

__all__ = ["AUDIENCE", "COOKIE", "ISSUER", "SECRET", "app"]

# An environment variable: who has no token that is signed with it, is not let in.
SECRET = "BENCHMARK_SECRET"  # noqa: S105 (a name)
ISSUER, AUDIENCE, COOKIE = "https://id.example.com/", "benchmark", "token"


def authenticate() -> Jwt | None:
    key = os.environ.get(SECRET)
    if key is None:
        return None
    return Jwt(issuer=ISSUER, audience=AUDIENCE, key=key, algorithm="HS256", cookie=COOKIE)


pulse = Pulse(authenticate=authenticate())
for name in TOPICS:
    pulse.topic(name)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with pulse.lifespan(app), driven(publish, publish_to):
        yield


async def publish(events: list[Data]) -> int:
    positions = await asyncio.gather(*(pulse.publish(TOPIC, EVENT, data) for data in events))
    await written(TOPIC, max(position.sequence for position in positions))
    return len(events) * pulse._runner().connections  # noqa: SLF001


async def publish_to(topic: str, data: Data) -> None:
    await written(topic, (await pulse.publish(topic, EVENT, data)).sequence)


async def written(topic: str, last: int) -> None:
    """Return when it is written to the last client: five hundred have it in each turn of the loop."""
    unwritten = pulse._runner()._sessions._unwritten  # noqa: SLF001
    while pulse.position(topic).sequence < last or unwritten.is_due:  # noqa: ASYNC110 (nobody is told)
        await asyncio.sleep(0)


app = FastAPI(lifespan=lifespan)
app.include_router(pulse.router)
