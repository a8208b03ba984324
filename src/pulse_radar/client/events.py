"""`pulse_radar.connect`: topics followed over any number of connections, as one async iterator."""

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Final, Literal, Self

import msgspec
from websockets.asyncio.client import ClientConnection

from pulse_radar.client.address import Address
from pulse_radar.client.beginning import parse_beginning, parse_feeds
from pulse_radar.client.buffer import Buffer
from pulse_radar.client.following import Following, FollowingStats, Received
from pulse_radar.client.returning import Returning
from pulse_radar.client.wire import LOST, WIRE_ERRORS, Ended, Token, ended_by, open_wire
from pulse_radar.errors import InvalidSetting, Refused, Unreachable
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import decode_server, encode_client
from pulse_radar.protocol.cursor import format_cursor
from pulse_radar.protocol.frames import Connected, Pong
from pulse_radar.protocol.grammar import Feed

__all__ = ["Events", "EventsStats", "connect"]

_CODES: Final = frozenset(CloseCode)

_log: Final = logging.getLogger("pulse_radar.client")

# The decision record's intervals, until a server says its own.
_PING_SECONDS: Final = 20.0
_PONG_SECONDS: Final = 30.0

# What a server asks its own clients to do when it closed for good.
_REMEDIES: Final = {
    CloseCode.EXPIRED: "the credentials ran out: give connect() a `token` callable, which fetches fresh ones",
    CloseCode.UNAUTHENTICATED: "it knows no such credentials: give connect() a `token` or `headers`, "
    "on the command line --token (PULSE_TOKEN) or --header",
    CloseCode.FORBIDDEN: "these credentials may not follow anything here",
    CloseCode.TOO_MANY_FRAMES: "this client asked for too much at once: follow whole topics",
}


class EventsStats(msgspec.Struct, frozen=True):
    """A snapshot. Units: `waiting_bytes` that came and are not taken yet."""

    state: Literal["connecting", "open", "waiting", "ended"]
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
    open_timeout: float = 30.0,
    buffer_bytes: int = 1024 * 1024,
) -> "Events":
    """Follow topics of a server: `http://host:8000`, or `wss://host/prefix/ws`.

    `topics`: `knowledge`, or `monitoring/3f9c` for one key; all topics where none is named.
    `after`: begin after a cursor (`events.cursor`, or the text of a `Position`), after a position in the one topic
    that is followed, or with all that is kept: 0. `last`: begin with so many of the newest events. Neither: now.
    `token`: credentials, or what fetches fresh ones before each attempt. OSError and TimeoutError from it count as
    an attempt in vain, anything else ends the iteration.
    `headers`: more of the upgrade request, a cookie perhaps.
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
    feeds = parse_feeds(topics)
    beginning, positions = parse_beginning(feeds, after, last)
    return Events(
        Address.parse(url),
        Following(feeds, beginning, positions),
        token=token,
        headers=headers or {},
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
        address: Address,
        following: Following,
        *,
        token: Token | None,
        headers: Mapping[str, str],
        open_timeout: float,
        buffer_bytes: int,
    ) -> None:
        self._address = address
        self._following = following
        self._token = token
        self._headers = headers
        self._open_timeout = open_timeout
        self._returning = Returning(random.random, renews=callable(token))
        self._buffer = Buffer(buffer_bytes)
        # What was handed out: behind what was received by what waits in the buffer.
        self._cursor: dict[Feed, int] = following.positions
        self._task: asyncio.Task[None] | None = None
        # Where it begins is known, or that it never will.
        self._has_begun = asyncio.Event()
        self._state: Literal["connecting", "open", "waiting", "ended"] = "connecting"
        self._connections = 0
        # When the connection was greeted; None before that.
        self._greeted_at: float | None = None
        self._ping_seconds, self._pong_seconds = _PING_SECONDS, _PONG_SECONDS

    async def __aenter__(self) -> Self:
        """Connect, and stand in every topic. Raises: Unreachable, Refused, ProtocolError, UnknownTopic."""
        if self._task is not None:
            raise RuntimeError("these events are followed already: connect() makes new ones")
        self._task = asyncio.create_task(self._follow(), name=f"pulse-radar client of {self._address}")
        try:
            async with asyncio.timeout(self._open_timeout):
                await self._has_begun.wait()
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
            self._state, self._connections, self._buffer.waiting_bytes, self._following.stats()
        )

    async def aclose(self) -> None:
        """Leave. What waits in the buffer can still be taken."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def __repr__(self) -> str:
        return f"<Events of {self._address}, {self._state}, {self._connections} connections, {self._following!r}>"

    # One connection after the other.

    async def _follow(self) -> None:
        end: BaseException = StopAsyncIteration()
        try:
            while (pause := await self._attempt()) is not None:
                self._state = "waiting"
                _log.warning("lost %s: coming back in %.1f s", self._address, pause)
                await asyncio.sleep(pause)
        except Exception as error:  # noqa: BLE001 (raised by whoever iterates)
            end = error
        finally:
            self._state = "ended"
            self._buffer.close(end)
            self._has_begun.set()

    async def _attempt(self) -> float | None:
        """One connection from its beginning to its end; seconds to wait before the next one. Raises: Refused."""
        self._state = "connecting"
        self._greeted_at = None
        ended = await self._converse()
        pause = self._returning.closed(ended.code, ended.reason, self._held_seconds())
        if pause is None and ended.code != CloseCode.NORMAL:
            raise self._refused(ended)
        return pause

    def _held_seconds(self) -> float:
        """How long the connection held, from its greeting: an attempt that hung for long has not."""
        return 0.0 if self._greeted_at is None else time.monotonic() - self._greeted_at

    async def _converse(self) -> Ended:
        try:
            async with open_wire(
                self._address, self._following.query(), token=self._token, headers=self._headers
            ) as connection:
                while True:
                    await self._until_room(connection)
                    async with asyncio.timeout(self._pong_seconds):
                        await self._heed(connection, await connection.recv(decode=False))
        except WIRE_ERRORS as error:
            ended = ended_by(error, self._address)
            if ended == LOST and self._connections == 0:
                raise self._unreachable(error) from error
            return ended

    async def _heed(self, connection: ClientConnection, text: bytes) -> None:
        frame = decode_server(text)
        if isinstance(frame, Connected):
            self._state = "open"
            self._greeted_at = time.monotonic()
            self._connections += 1
            self._ping_seconds, self._pong_seconds = frame.ping_interval, frame.pong_timeout
        heeded = self._following.heed(frame)
        self._buffer.put(heeded.steps, len(text))
        if heeded.refusal is not None:
            raise heeded.refusal
        for reply in heeded.replies:
            await connection.send(encode_client(reply).decode())
        if self._following.is_standing or not self._buffer.has_room:
            self._has_begun.set()

    async def _until_room(self, connection: ClientConnection) -> None:
        """Wait for whoever iterates. The server need not wait for signs of life meanwhile."""
        while not self._buffer.has_room:
            try:
                async with asyncio.timeout(self._ping_seconds):
                    await self._buffer.wait_room()
            except TimeoutError:
                await connection.send(encode_client(Pong()).decode())

    def _unreachable(self, error: Exception) -> Unreachable:
        # Nobody there at all is a mistake in the address, or a server to be started; one that was there comes back.
        why = str(error) or type(error).__name__
        return Unreachable(
            f"nobody answers at {self._address} ({why}): start the server, or correct the address"
        )

    def _refused(self, ended: Ended) -> Refused:
        code = CloseCode(ended.code) if ended.code in _CODES else None
        name = f" {code.name.lower().replace('_', ' ')}" if code else ""
        reason = ended.reason if ended.reason != name.strip() else ""
        why = ", ".join(filter(None, [reason, _REMEDIES.get(code) if code else ""]))
        return Refused(
            f"{self._address} closed the connection for good: {ended.code}{name}{why and f' ({why})'}",
            ended.code,
        )
