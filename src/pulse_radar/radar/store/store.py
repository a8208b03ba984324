"""The application's database: opened with its tables in place, read and written in transactions."""

import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from pulse_radar.outbox import Relay
from pulse_radar.outbox.doubt import Destination
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store.engine import make_engine, writing
from pulse_radar.radar.store.migrating import migrate
from pulse_radar.radar.store.models import outbox
from pulse_radar.settings import Settings

__all__ = ["Store", "open_store"]

_log: Final = logging.getLogger("pulse_radar.store")


class Store:
    """The database while it is open. Made by `open_store`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine: Final = engine
        self._writing = writing(engine)

    def reading(self) -> AsyncSession:
        """A session that only reads, in a transaction that sees one moment."""
        return AsyncSession(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction that writes: committed at the end, with the events that were put into `outbox`."""
        async with AsyncSession(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def relay(self, destination: Destination) -> AbstractAsyncContextManager[Relay]:
        """What publishes that, by this destination."""
        return Relay(outbox, self.engine, destination)

    def __repr__(self) -> str:
        return f"<Store in {self.engine.url!r}>"


@asynccontextmanager
async def open_store(settings: Settings, radar: RadarSettings) -> AsyncIterator[Store]:
    """The database of these settings, its tables brought up to date. Raises: SQLAlchemyError."""
    url = radar.database_url(settings)
    await migrate(url)
    engine = make_engine(url)
    _log.debug("rows are in %s", radar.database_for_people(settings))
    try:
        yield Store(engine)
    finally:
        await engine.dispose()
