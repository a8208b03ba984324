"""The memory broker against the suite: it has no server, no link, and no second process."""

import contextlib
from contextlib import AbstractAsyncContextManager

import pytest

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.testing.broker_contract import BrokerContract, Laboratory


class MemoryLaboratory(Laboratory):
    def __init__(self) -> None:
        self._broker = MemoryBroker()

    def broker(self, *, duplicate_window_seconds: float = 120.0) -> AbstractAsyncContextManager[Broker]:
        return contextlib.nullcontext(self._broker)


class TestMemoryBroker(BrokerContract):
    @pytest.fixture
    def laboratory(self) -> MemoryLaboratory:
        return MemoryLaboratory()
