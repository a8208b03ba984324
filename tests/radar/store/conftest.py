"""Every test of the store runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Store, open_store
from pulse_radar.settings import Settings
from tests.postgres import PostgresServer, needs_postgres


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgres)])
def radar(request: pytest.FixtureRequest, tmp_path: Path) -> RadarSettings:
    if request.param == "sqlite":
        return RadarSettings.load(database=f"sqlite:///{tmp_path / 'radar.db'}")
    server: PostgresServer = request.getfixturevalue("postgres")
    return RadarSettings.load(database=server.database())


@pytest.fixture
async def store(radar: RadarSettings) -> AsyncIterator[Store]:
    async with open_store(Settings.load(), radar) as store:
        yield store
