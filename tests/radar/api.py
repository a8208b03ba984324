"""The application in memory, with a client of its routes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from pulse_radar.protocol.frames import EventFrame
from pulse_radar.radar.app import create_app
from pulse_radar.settings import Settings
from pulse_radar.testing import connect
from pulse_radar.testing.app_lifespan import running


@asynccontextmanager
async def application(directory: Path, **headers: str) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """An app on memory:// with a database in this directory."""
    app = create_app(Settings.load(broker="memory://", data_dir=directory))
    transport = httpx.ASGITransport(app)
    async with (
        running(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost/api", headers=headers) as client,
    ):
        yield app, client


async def announced(app: FastAPI, feed: str, count: int) -> list[EventFrame]:
    """The first events of a topic."""
    async with connect(app, [feed], after=0) as client:
        return [await client.next() for _ in range(count)]


def names(events: list[EventFrame]) -> list[str]:
    return [event.name for event in events]


def data_of(event: EventFrame) -> dict[str, Any]:
    assert isinstance(event.data, dict)
    return dict(event.data)
