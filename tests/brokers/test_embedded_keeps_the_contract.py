"""The NATS broker on an embedded server against the suite: it is restarted by its guard, not by a test."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from pulse_radar.brokers.embedded import EmbeddedServer, EmbeddedSettings, server_pid
from pulse_radar.testing.broker_contract import BrokerContract
from pulse_radar.testing.broker_contract.faults import FaultContract
from pulse_radar.testing.broker_contract.state_faults import StateFaultContract
from pulse_radar.testing.nats_laboratory import NatsLaboratory


class KeptServer:
    """An embedded server, as the laboratory wants to hurt it."""

    def __init__(self, directory: Path) -> None:
        self.data = directory
        self._owner: EmbeddedServer | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        return self._running.port

    @property
    def url(self) -> str:
        return self._running.url

    async def kill(self) -> None:
        """Return once it is dead: until then it still takes connections, and would pass for its successor."""
        while (pid := server_pid(self.data)) is None:
            await asyncio.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        while server_pid(self.data) == pid:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            await owner.__aexit__(None, None, None)

    async def start(self) -> None:
        """Own it, if nobody does; after a kill wait until its guard has brought it back."""
        if self._owner is None:
            # Forcing each event to the disk is for power cuts; here it would only make the suite slow.
            settings = EmbeddedSettings(directory=self.data, sync_interval_seconds=60)
            self._owner = await EmbeddedServer(settings).__aenter__()
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.01)

    @property
    def _running(self) -> EmbeddedServer:
        assert self._owner is not None
        return self._owner


@pytest.fixture
async def laboratory(tmp_path: Path) -> AsyncIterator[NatsLaboratory]:
    async with NatsLaboratory.open(KeptServer(tmp_path / "pulse")) as laboratory:
        yield laboratory


class TestEmbeddedBrokerUnderFaults(FaultContract, StateFaultContract):
    """What its own server can make different; the rest of its code is that of `nats://`."""


@pytest.mark.slow
class TestEmbeddedBroker(BrokerContract):
    """All of it."""
