from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pulse_radar.testing.nats_server import NatsServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as server:
        yield server
