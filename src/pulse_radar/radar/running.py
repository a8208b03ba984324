"""The application while it runs: its live layer, its store, what publishes from the one to the other, and metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from pulse_radar.jobs.journal import Journal
from pulse_radar.pulse import Pulse
from pulse_radar.radar.ingestion.following import following_jobs
from pulse_radar.radar.metrics import report_metrics
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Store, open_store
from pulse_radar.radar.vault import Vault

__all__ = ["Radar"]


class Radar:
    """What the routes of the application have in common. Raises: InvalidSetting."""

    def __init__(self, pulse: Pulse, settings: RadarSettings) -> None:
        self.pulse: Final = pulse
        self.settings: Final = settings
        self.vault: Final = Vault(settings.secret_key)
        self._store: Store | None = None

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        """Raises: BrokerUnavailable, BrokerRefused, SQLAlchemyError."""
        async with (
            self.pulse,
            open_store(self.pulse.settings, self.settings) as store,
            store.relay(self.pulse),
            following_jobs(Journal(self.pulse, self.pulse.broker), store, self.pulse.settings),
            report_metrics(self.pulse, "api", self.pulse.settings.data_dir, self.pulse.stats),
        ):
            self._store = store
            yield

    @property
    def store(self) -> Store:
        assert self._store is not None, "routes are served while the application runs"
        return self._store

    def __repr__(self) -> str:
        return f"<Radar on {self.pulse!r}>"
