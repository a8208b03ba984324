"""The NATS broker against the suite, on a real server with every accident."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pulse_radar.testing.broker_contract import BrokerContract
from pulse_radar.testing.nats_laboratory import NatsLaboratory
from pulse_radar.testing.nats_server import NatsServer


class TestNatsBroker(BrokerContract):
    @pytest.fixture
    async def laboratory(self, tmp_path: Path) -> AsyncIterator[NatsLaboratory]:
        async with NatsLaboratory.open(NatsServer(tmp_path)) as laboratory:
            yield laboratory
