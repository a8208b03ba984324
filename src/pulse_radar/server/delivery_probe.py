"""Whether events come through: one is published every two seconds and must come back by the tail."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from typing import Final

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerError
from pulse_radar.histogram import Histogram
from pulse_radar.protocol.grammar import INTERNAL_PREFIX
from pulse_radar.server.patience import until_answered
from pulse_radar.stream.entry import StoredEvent

__all__ = ["DeliveryProbe"]

_log: Final = logging.getLogger("pulse_radar.server")

_PERIOD_SECONDS: Final = 2.0

# A probe that takes longer has failed; the next one is its repetition.
_PATIENCE_SECONDS: Final = 2.0

_ROUND_TRIP_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)

# A cluster that elects a leader answers nothing for 4.0-8.5 s (measured); that is no reason to be restarted.
_GRACE_SECONDS: Final = 10.0


class DeliveryProbe:
    """Probes the whole path of delivery, not the connection: store, stream, tail.

    Every process probes with a key of its own and sees the others' go by.
    """

    def __init__(self, broker: Broker, *, on_lost: Callable[[], None], on_back: Callable[[], None]) -> None:
        self.topic: Final = LogTopic(
            f"{INTERNAL_PREFIX}probe", retain=1_000, max_age_seconds=3_600, max_bytes=1024**2
        )
        self._broker = broker
        self._on_lost = on_lost
        self._on_back = on_back
        self._process = uuid.uuid4().hex
        # Set once the tail is placed: what is probed after that comes through it.
        self._is_listening = asyncio.Event()
        self._returned = asyncio.Event()
        self._is_lost = False
        self._returned_at: float | None = None
        # What the last one took that came back, from before it was stored.
        self.round_trip_seconds: float | None = None
        # The same of all of them.
        self.round_trips = Histogram(_ROUND_TRIP_SECONDS)

    @property
    def age_seconds(self) -> float | None:
        """Seconds since a probe last came back, None before the first."""
        return None if self._returned_at is None else time.monotonic() - self._returned_at

    @property
    def is_fresh(self) -> bool:
        """Whether events come through, or did until a moment ago."""
        age = self.age_seconds
        return age is not None and age <= _GRACE_SECONDS

    async def run(self) -> None:
        """Probe for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            group.create_task(self._beat())

    def __repr__(self) -> str:
        age = self.age_seconds
        came = "none came" if age is None else f"the last came {age:.1f} s ago"
        return f"<DeliveryProbe {came}{', lost' if self._is_lost else ''}>"

    async def _listen(self) -> None:
        topic = self.topic.name
        extent = await until_answered(f"{topic} is not there yet", lambda: self._broker.extent(topic))
        self._is_listening.set()
        async for entries in self._broker.tail(topic, after=extent.last):
            if any(isinstance(entry, StoredEvent) and entry.key == self._process for entry in entries):
                self._returned.set()

    async def _beat(self) -> None:
        await self._is_listening.wait()
        while True:
            began = time.monotonic()
            try:
                await self._probe()
            except (BrokerError, TimeoutError) as error:
                _log.warning("no event came through within %s s: %r", _PATIENCE_SECONDS, error)
                self._is_lost = True
                self._on_lost()
            else:
                self._returned_at = time.monotonic()
                self.round_trip_seconds = self._returned_at - began
                self.round_trips.observe(self.round_trip_seconds)
                if self._is_lost:
                    self._is_lost = False
                    self._on_back()
            await asyncio.sleep(max(0.0, began + _PERIOD_SECONDS - time.monotonic()))

    async def _probe(self) -> None:
        self._returned.clear()
        draft = Draft(self.topic.name, "probe", b"{}", uuid.uuid4().hex, key=self._process)
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._broker.store(draft)
            await self._returned.wait()
