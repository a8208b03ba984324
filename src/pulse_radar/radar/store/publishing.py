"""The store in a process that serves nobody: opened together with what publishes its events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pulse_radar.publisher import Publisher
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store.store import Store, open_store
from pulse_radar.settings import Settings

__all__ = ["open_publishing_store"]

# What was committed at the end is mostly out within milliseconds; else another relay sees to it.
_END_SECONDS = 10.0


@asynccontextmanager
async def open_publishing_store(
    settings: Settings, radar: RadarSettings | None = None
) -> AsyncIterator[Store]:
    """The database with a relay; at the end what was committed is published, if the broker takes it soon.

    Raises: SQLAlchemyError, BrokerUnavailable, BrokerRefused.
    """
    async with (
        open_store(settings, radar or RadarSettings.load()) as store,
        Publisher(settings=settings) as publisher,
        store.relay(publisher) as relay,
    ):
        try:
            yield store
        finally:
            await relay.drain(_END_SECONDS)
