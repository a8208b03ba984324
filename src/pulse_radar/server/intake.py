"""From the broker into the hub: topics declared, and each one's tail followed for ever."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, assert_never

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
from pulse_radar.errors import BrokerError, BrokerUnavailable, TopicMissing
from pulse_radar.hub.inputs import Arrived, Input, LogOpened, StateOpened
from pulse_radar.stream.entry import Extent

__all__ = ["Intake"]

_log: Final = logging.getLogger("pulse_radar.server")

# Asked again after so long when the broker did not answer.
_RETRY_SECONDS: Final = 0.5


class Intake:
    """Tells what the tails of a broker's topics bring."""

    def __init__(self, broker: Broker, *, window_events: int, tell: Callable[[Input], None]) -> None:
        """`window_events`: so many of a log's newest events are brought first, to be replayed from memory."""
        self._broker = broker
        self._window_events = window_events
        self._tell = tell

    async def declare(self, topics: Sequence[TopicSpec]) -> None:
        """Create the topics, as soon as the broker is there. Raises: BrokerRefused, NotPermitted."""
        while True:
            try:
                await self._broker.declare(topics)
            except BrokerUnavailable as error:
                _log.warning("topics not declared yet: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return

    async def follow(self, topic: TopicSpec) -> None:
        """Bring every entry of the topic, for ever."""
        extent = await self._extent(topic.name)
        match topic:
            case LogTopic(name):
                after = max(extent.first - 1, extent.last - self._window_events)
                self._tell(LogOpened(name, after, extent.last))
            case StateTopic(name):
                # All of it, however old.
                after = 0
                self._tell(StateOpened(name, extent.origin - 1, extent))
            case _:
                assert_never(topic)
        async for entries in self._broker.tail(name, after=after):
            self._tell(Arrived(name, tuple(entries)))
        raise BrokerError(f"the tail of {name} ended, which it never should")

    async def _extent(self, topic: str) -> Extent:
        """How far the topic reaches, as soon as the broker says it."""
        while True:
            try:
                return await self._broker.extent(topic)
            except (BrokerUnavailable, TopicMissing) as error:
                _log.warning("%s is not there yet: %s", topic, error)
                await asyncio.sleep(_RETRY_SECONDS)
