"""The desk of a process: says every two seconds who is connected, and sends away whom it is asked to."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import accumulate
from typing import Final

from pulse_radar.brokers.base import NobodyThere
from pulse_radar.errors import PulseError
from pulse_radar.pulse import Pulse
from pulse_radar.radar.connections.events import SHOWN, ConnectionShown, ConnectionsSeen
from pulse_radar.tasks import ended
from pulse_radar.this_process import name_of_this_process

__all__ = ["Desk"]

_log: Final = logging.getLogger("pulse_radar.radar")

# Two seconds are soon enough for whoever looks, and nothing to a process that serves thousands.
_PERIOD_SECONDS: Final = 2.0

# Characters of the host's name: all of the address is a key.
_HOST_LENGTH: Final = 80

_EVICT: Final = "evict"
_DONE: Final = b"1"
_UNKNOWN: Final = b"0"

# Characters of a connection's topics, and of its name: a hundred of the longest make half of what an event may have.
_TOPICS_LENGTH: Final = 1_000
_WHO_LENGTH: Final = 100


class Desk:
    """Of one process. `process` is its address for control requests, and its key on `connections`."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self.process: Final = name_of_this_process(_HOST_LENGTH)
        pulse.accompany(self._attended)

    async def evict(self, process: str, connection_id: str) -> bool:
        """Send a client of any process away; whether there was one. Raises: BrokerError, InvalidKey."""
        if process == self.process:
            return self._pulse.evict(connection_id)
        try:
            answer = await self._pulse.broker.ask(_address(process), _EVICT, connection_id.encode())
        except NobodyThere:
            return False
        return answer == _DONE

    @asynccontextmanager
    async def _attended(self) -> AsyncIterator[None]:
        await self._pulse.broker.answer(_address(self.process), self._answer)
        telling = asyncio.create_task(self._tell(), name="connections")
        try:
            yield
        finally:
            # Nothing can be published any more: the topic forgets us by itself.
            telling.cancel()
            await ended(telling)

    def _answer(self, verb: str, content: bytes) -> bytes:
        is_done = verb == _EVICT and self._pulse.evict(content.decode(errors="replace"))
        return _DONE if is_done else _UNKNOWN

    async def _tell(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_PERIOD_SECONDS):
                    await self._pulse.publish(self._seen())
            except (PulseError, TimeoutError) as error:
                _log.debug("nobody hears who is connected: %r", error)
            await asyncio.sleep(_PERIOD_SECONDS)

    def _seen(self) -> ConnectionsSeen:
        now = time.monotonic()
        clients = sorted(
            self._pulse.clients(), key=lambda each: (each.unsent_bytes, each.behind), reverse=True
        )
        shown = [
            ConnectionShown(
                id=client.connection_id,
                who=_shown(client.who),
                topics=_some(client.feeds),
                open_seconds=round(now - client.opened_at, 1),
                behind=client.behind,
                unsent_bytes=client.unsent_bytes,
            )
            for client in clients[:SHOWN]
        ]
        return ConnectionsSeen(process=self.process, total=len(clients), shown=shown)

    def __repr__(self) -> str:
        return f"<Desk of {self.process}>"


def _shown(who: str) -> str:
    """Whoever it is: a token may name it as it likes."""
    return who[:_WHO_LENGTH].encode(errors="replace").decode()


def _some(feeds: Sequence[str]) -> list[str]:
    """The first of them."""
    ends = accumulate(map(len, feeds))
    return [feed for feed, end in zip(feeds, ends, strict=True) if end <= _TOPICS_LENGTH]


def _address(process: str) -> str:
    """Apart from what else is asked of a process."""
    return f"connections:{process}"
