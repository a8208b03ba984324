"""A client: one connection after another to any of the API processes, for ever, as docs/PROTOCOL.md asks for."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from pulse_radar.testing.fire.event_stream import EventStream
from pulse_radar.testing.fire.follower import PONG, Follower, cursors_of
from pulse_radar.testing.fire.logbook import Closed, Logbook, Stopped, Waits, read_client
from pulse_radar.testing.fire.patience import Patience
from pulse_radar.testing.fire.shape import Following
from pulse_radar.testing.fire.websocket import WebSocket
from pulse_radar.testing.fire.wire import Ended, Wire

__all__ = ["Client"]

# A server greets within 15 s, or says 1013; a connection that does not even open is given up sooner.
_GREETING_SECONDS: Final = 16.0
_OPEN_SECONDS: Final = 5.0

# A page that stands still so long, or for good, is loaded again by a person: a new client with the old cursors.
_PERSON_SECONDS: Final = 3.0

# Pages are left and opened again all the time.
_VISIT_SECONDS: Final = 25.0
_POLITE: Final = 0.5

# A slow one reads for up to so long, and then not: less long than the server takes to cut off whom it has sent away,
# so that it reads why.
_AWAKE_SECONDS: Final = 1.0
_NAP_SECONDS: Final = (2, 4)


class Client:
    """Follows its feeds over the links with these ports, and writes down what it hears."""

    def __init__(self, links: Sequence[int], following: Following, path: Path, chance: Random) -> None:
        beginning = {} if following.after is None else dict.fromkeys(following.feeds, following.after)
        cursors = cursors_of(read_client(path), beginning)
        self.logbook = Logbook(path)
        self._follower = Follower(following.feeds, cursors, self.logbook.note)
        self._patience = Patience(chance)
        self._chance = chance
        self._links = links
        # Full rotation from a place of its own.
        self._turn = chance.randrange(len(links))
        self._is_greeted = False
        self._following = following
        # A stream's query, for good.
        self._query = self._follower.ask()

    def is_at_rest(self, positions: Mapping[str, int]) -> bool:
        """Whether it is served, and has everything up to these positions."""
        return self._is_greeted and self._follower.is_live_at(positions)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            began_at = time.monotonic()
            link = self._next_link()
            ended = await self._visit(link)
            now = time.monotonic()
            self.logbook.note(Closed(now, ended.code, ended.reason))
            pause = self._patience.pause(ended.code, ended.reason, now - began_at)
            if pause is None or ended.stop is not None:
                why = ended.stop or f"the server closed with {ended.code} {ended.reason}"
                self.logbook.note(Stopped(now, link, ended.port, why))
            if pause is None or pause > _PERSON_SECONDS:
                pause = _PERSON_SECONDS
                self._patience = Patience(self._chance)
            self.logbook.note(Waits(now, pause))
            await asyncio.sleep(pause)

    async def _visit(self, link: int) -> Ended:
        make = partial(self._wire, link, self._follower.ask())
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                _, wire = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", link)
        except (OSError, TimeoutError):
            return Ended(1006)
        try:
            return await self._stay(wire)
        finally:
            self._is_greeted = False
            wire.hang_up(politely=False)

    def _wire(self, link: int, query: str) -> Wire:
        hear = partial(self._hear, link)
        if self._following.is_stream:
            target, last_id = f"/events?{self._query}", self._follower.event_id
            return EventStream(target, last_id, hear, self._follower.mark, self._silence)
        return WebSocket(f"ws://127.0.0.1:{link}/ws?{query}", hear, self._silence)

    async def _stay(self, wire: Wire) -> Ended:
        dozing = asyncio.create_task(self._doze(wire))
        await asyncio.wait([wire.ended], timeout=self._chance.expovariate(1 / _VISIT_SECONDS))
        dozing.cancel()
        await asyncio.gather(dozing, return_exceptions=True)
        wire.hang_up(politely=self._chance.random() < _POLITE)
        return await wire.ended

    async def _doze(self, wire: Wire) -> None:
        """Where this client is a slow one: read nothing for a while, again and again."""
        while self._following.is_slow and not wire.ended.done():
            await asyncio.sleep(self._chance.uniform(0, _AWAKE_SECONDS))
            wire.sleep()
            for _ in range(self._chance.randint(*_NAP_SECONDS)):
                wire.murmur(PONG)
                await asyncio.sleep(1)
            wire.wake()

    def _hear(self, link: int, text: bytes, port: int) -> str | None:
        self._is_greeted = True
        return self._follower.hear(text, time.monotonic(), link, port)

    def _silence(self) -> float:
        return self._follower.pong_timeout_seconds if self._is_greeted else _GREETING_SECONDS

    def _next_link(self) -> int:
        self._turn += 1
        return self._links[self._turn % len(self._links)]

    def __repr__(self) -> str:
        return f"<Client {self._follower!r}>"
