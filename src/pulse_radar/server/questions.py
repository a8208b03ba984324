"""What the hub asks of the broker: for a page of history, and how far a topic reaches."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from pulse_radar.brokers.base import Broker
from pulse_radar.errors import BrokerError
from pulse_radar.hub.actions import Read
from pulse_radar.hub.inputs import Input, Measured, PageRead, ReadFailed

__all__ = ["Questions"]

_log: Final = logging.getLogger("pulse_radar.server")

# Under way at once, so that a storm of reconnects queues here and not at the broker.
_READS_AT_ONCE: Final = 32


class Questions:
    """Asks a broker, and tells the hub what it said."""

    def __init__(
        self, broker: Broker, *, tell: Callable[[Input], None], is_awaited: Callable[[int], bool]
    ) -> None:
        """`is_awaited`: whether anybody still waits for the page of this ticket."""
        self._broker = broker
        self._tell = tell
        self._is_awaited = is_awaited
        self._reads = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(self, action: Read) -> None:
        feed = action.feed
        try:
            async with self._reads:
                if not self._is_awaited(action.ticket):
                    # Its client went while it stood in line: in a storm of reconnects most of them do, and what is
                    # read for them is what the others wait for.
                    self._tell(ReadFailed(action.ticket))
                    return
                page = await self._broker.read(
                    feed.topic, after=action.after, limit=action.limit, key=feed.key
                )
        except BrokerError as error:
            _log.info("history of %s could not be read: %s", feed, error)
            self._tell(ReadFailed(action.ticket))
        else:
            self._tell(PageRead(action.ticket, page))

    async def measure(self, topic: str) -> None:
        try:
            self._tell(Measured(topic, await self._broker.extent(topic)))
        except BrokerError:
            self._tell(Measured(topic, None))

    def __repr__(self) -> str:
        return f"<Questions to {self._broker!r}>"
