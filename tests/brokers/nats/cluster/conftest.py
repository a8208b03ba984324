from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pulse_radar.testing.nats_cluster import NatsCluster


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    async with NatsCluster(tmp_path) as cluster:
        yield cluster
