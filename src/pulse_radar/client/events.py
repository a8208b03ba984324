"""`pulse_radar.connect`: topics followed over any number of connections, as one async iterator."""

import asyncio
import random
from collections.abc import Iterable, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import Self

import msgspec

from pulse_radar.client.address import Address
from pulse_radar.client.beginning import parse_beginning, parse_feeds
from pulse_radar.client.buffer import Buffer
from pulse_radar.client.following import Following, FollowingStats
from pulse_radar.client.life import Life, LifeState
from pulse_radar.client.returning import Returning
from pulse_radar.client.steps import Received
from pulse_radar.client.wire import Dialling, Token
from pulse_radar.errors import InvalidSetting, Unreachable
from pulse_radar.protocol.cursor import format_cursor
from pulse_radar.protocol.grammar import Feed

__all__ = ["Events", "EventsStats", "connect"]


class EventsStats(msgspec.Struct, frozen=True):
    """A snapshot. Units: `waiting_bytes` that came and are not taken yet."""

    state: LifeState
    connections: int
    waiting_bytes: int
    following: FollowingStats


def connect(
    url: str,
    topics: Iterable[str] | str | None = None,
    *,
    after: str | int | None = None,
    last: int | None = None,
    token: Token | None = None,
    headers: Mapping[str, str] | None = None,
    ssl: SSLContext | None = None,
    open_timeout: float = 30.0,
    buffer_bytes: int = 1024 * 1024,
) -> "Events":
    """Follow topics of a server: `http://host:8000`, or `wss://host/prefix/ws`.

    `topics`: `knowledge`, or `monitoring/3f9c` for one key; all topics where none is named.
    `after`: begin after a cursor (`events.cursor`, or the text of a `Position`), after a position in the one topic
    that is followed, or with all that is kept: 0. `last`: begin with so many of the newest events. Neither: now.
    `token`: credentials, or what fetches fresh ones: before each attempt, and before those that are shown run out.
    OSError and TimeoutError from it count as an attempt in vain, anything else ends the iteration.
    `headers`: more of the upgrade request, a cookie perhaps.
    `ssl`: whom to trust over `wss` and `https`; None: the authorities that this system trusts. For one of your own:
    `ssl.create_default_context(cafile="ours.pem")`.
    Units: `open_timeout` seconds for entering, `buffer_bytes` of frames that may wait to be taken: beyond, nothing
    more is read, and a server that has too much unsent closes and is resumed.
    Raises: InvalidSetting, InvalidTopic, InvalidKey, InvalidCursor.

    Example:
        async with pulse_radar.connect("http://localhost:8000", topics=["knowledge"]) as events:
            async for event in events:
                print(event)
    """
    if buffer_bytes < 1:
        raise InvalidSetting(f"buffer_bytes is {buffer_bytes}: at least one byte must find room")
    if not open_timeout > 0:
        raise InvalidSetting(f"open_timeout is {open_timeout}: it is a number of seconds, and takes some")
    address = Address.parse(url)
    if ssl is not None and address.scheme != "wss":
        raise InvalidSetting(f"ssl is given for {address}, which is not encrypted: write wss:// or https://")
    feeds = parse_feeds(topics)
    beginning, positions = parse_beginning(feeds, after, last)
    return Events(
        Dialling(address, token, headers or {}, ssl),
        Following(feeds, beginning, positions),
        open_timeout=open_timeout,
        buffer_bytes=buffer_bytes,
    )


class Events:
    """What happens on some topics: an async context manager, and an async iterator of what was received.

    `EventFrame`: an event, a deletion of a state topic's key among them. `GapFrame`: events that will not come.
    `SnapshotFrame`: forget this state topic, all of it follows. `Subscribed`: caught up, from here on it is live.

    Guarantee: entered, it stands somewhere in every topic. Every event after that is handed out once and in the
    topic's order, or is in a gap, over any number of lost connections and restarts of the server.
    Order: within a topic, or a key where keys are followed.
    Raises: Refused, ProtocolError, UnknownTopic, or what `token` raised, when all before it is handed out. The
    iteration ends where the server says that it is done (1000).
    """

    def __init__(
        self,
        dialling: Dialling,
        following: Following,
        *,
        open_timeout: float,
        buffer_bytes: int,
    ) -> None:
        self._address = dialling.address
        self._following = following
        self._open_timeout = open_timeout
        self._returning = Returning(random.random, renews=callable(dialling.token))
        self._buffer = Buffer(buffer_bytes)
        self._life = Life(dialling, following, self._buffer, self._returning)
        # What was handed out: behind what was received by what waits in the buffer.
        self._cursor: dict[Feed, int] = following.positions
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, and stand in every topic. Raises: Unreachable, Refused, ProtocolError, UnknownTopic."""
        if self._task is not None:
            raise RuntimeError("these events are followed already: connect() makes new ones")
        self._task = asyncio.create_task(self._life.live(), name=f"pulse-radar client of {self._address}")
        try:
            async with asyncio.timeout(self._open_timeout):
                await self._life.until_begun()
        except TimeoutError:
            await self.aclose()
            raise Unreachable(
                f"{self._address} did not say within {self._open_timeout:g} s where its topics begin"
            ) from None
        except BaseException:
            await self.aclose()
            raise
        if isinstance(self._buffer.end, Exception) and not self._following.is_standing:
            raise self._buffer.end
        self._cursor = self._following.beginnings
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Received:
        """What comes next. Cancel: loses nothing."""
        if self._task is None:
            raise RuntimeError("nothing is followed yet: use `async with pulse_radar.connect(…) as events:`")
        while True:
            step = await self._buffer.take()
            if step.position is None:
                self._cursor.pop(step.feed, None)
            else:
                self._cursor[step.feed] = step.position
            if step.received is not None:
                return step.received

    @property
    def cursor(self) -> str:
        """Where whoever iterates stands, with what was handed out last. Give it back: `connect(…, after=cursor)`.

        Store it when what was handed out last has had its effect, or together with it.
        """
        return format_cursor(self._cursor)

    def stats(self) -> EventsStats:
        return EventsStats(
            self._life.state, self._life.connections, self._buffer.waiting_bytes, self._following.stats()
        )

    async def aclose(self) -> None:
        """Leave. What waits in the buffer can still be taken."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def __repr__(self) -> str:
        life = self._life
        return (
            f"<Events of {self._address}, {life.state}, {life.connections} connections, {self._following!r}>"
        )
