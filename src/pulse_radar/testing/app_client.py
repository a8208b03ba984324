"""A client of an app in the same event loop: no port, no thread, the frames of the wire."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from pulse_radar.client.beginning import Beginning, parse_beginning, parse_feeds
from pulse_radar.client.following import Following
from pulse_radar.client.wire import Token, fresh
from pulse_radar.errors import Refused, UnknownTopic
from pulse_radar.protocol.codec import decode_server, encode_client
from pulse_radar.protocol.frames import (
    ClientFrame,
    Connected,
    ErrorCode,
    ErrorFrame,
    EventFrame,
    Ping,
    Pong,
    ServerFrame,
    UnknownFrame,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.testing.app_lifespan import App, running
from pulse_radar.testing.app_socket import AppSocket
from pulse_radar.testing.inbox import Inbox
from pulse_radar.testing.reentry import Reentry
from pulse_radar.testing.told_frames import short, what_came

__all__ = ["AppClient", "NothingCame", "connect"]

# An app that takes longer to start hangs.
_PATIENCE_SECONDS: Final = 20.0

# No server is there to drop a long request line: a thousand keys may be asked for at once.
_QUERY_LENGTH: Final = 1_000_000

# So much may wait to be looked at; then the app is as if its client read no more.
_WAITING_FRAMES: Final = 10_000


class NothingCame(TimeoutError):
    """What a test waited for did not come in time. Says what came instead."""


def connect(
    app: App,
    topics: Iterable[str] | str | None = None,
    *,
    after: str | int | None = None,
    last: int | None = None,
    token: Token | None = None,
    headers: Mapping[str, str] | None = None,
    path: str = "/ws",
    lifespan: bool = True,
) -> "AppClient":
    """A client of the app, for a test: what is published after it was entered comes.

    `topics`, `after`, `last`, `token`, `headers`: as of `pulse_radar.connect`. `path`: where the app has our router.
    `lifespan`: the app is started for its first client and ended with its last; False, where it runs already.

    Example:
        async with pulse_radar.testing.connect(app, topics=["knowledge"]) as ws:
            await pulse.publish("knowledge", "atom_created", {"id": "a1"})
            event = await ws.next("atom_created", timeout=1)
            assert event.data == {"id": "a1"}
    """
    feeds = parse_feeds(topics)
    beginning, positions = parse_beginning(feeds, after, last)
    query = Following(feeds, positions=positions, query_length=_QUERY_LENGTH).query()
    scope = _scope(path, query, {"host": "localhost", **(headers or {})})
    return AppClient(app, feeds, beginning, scope, token, lifespan=lifespan)


class AppClient:
    """One connection to an app. An async context manager; any number of them share a running app.

    Pings are answered and not shown.
    """

    def __init__(
        self,
        app: App,
        feeds: tuple[Feed, ...],
        beginning: Beginning,
        scope: dict[str, Any],
        token: Token | None,
        *,
        lifespan: bool,
    ) -> None:
        self._app = app
        self._feeds = feeds
        self._scope = scope
        self._token = token
        self._runs_app = lifespan
        self._reentry = Reentry(beginning)
        # It has begun where it was asked to, or never will.
        self._has_begun = asyncio.Event()
        self._inbox = Inbox(_WAITING_FRAMES)
        self._socket = AppSocket(app, scope, hear=self._heard, over=self._over)
        self._stack = AsyncExitStack()
        self.connection: Connected
        """The frame that it was greeted with."""

    async def __aenter__(self) -> Self:
        """Start the app, connect, and be greeted.

        Raises: Refused, with the close code or the HTTP status; UnknownTopic; what the app or `token` raises.
        """
        if self._token is not None:
            self._scope["headers"] += _encoded({"authorization": f"Bearer {await fresh(self._token)}"})
        async with AsyncExitStack() as stack, asyncio.timeout(_PATIENCE_SECONDS):
            if self._runs_app:
                self._scope["state"] = dict(await stack.enter_async_context(running(self._app)))
            self._socket.open()
            stack.push_async_callback(self._leave)
            await self._be_greeted()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def next(self, name: str | None = None, *, timeout: float = 5.0) -> EventFrame:  # noqa: ASYNC109
        """The next event, or the next of this name; what comes before it is passed over.

        Units: `timeout` seconds. Raises: NothingCame, a TimeoutError; Refused, when the connection is closed.
        """
        passed: list[ServerFrame | UnknownFrame] = []
        try:
            async with asyncio.timeout(timeout):
                while True:
                    frame = await self._take()
                    if isinstance(frame, EventFrame) and name in (None, frame.name):
                        return frame
                    passed.append(frame)
        except TimeoutError:
            raise NothingCame(
                f"no {name or 'event'} came within {timeout:g} s; {what_came(passed)}"
            ) from None

    async def receive(self, *, timeout: float = 5.0) -> ServerFrame | UnknownFrame:  # noqa: ASYNC109
        """The next frame, whatever it is: a gap, a snapshot, the end of a replay, an error.

        Units: `timeout` seconds. Raises: NothingCame, a TimeoutError; Refused, when the connection is closed.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._take()
        except TimeoutError:
            raise NothingCame(f"no frame came within {timeout:g} s") from None

    async def send(self, frame: ClientFrame | Mapping[str, Any] | str) -> None:
        """Say something to the app: a frame, its JSON as a value, or any text."""
        match frame:
            case str():
                text = frame
            case Mapping():
                text = msgspec.json.encode(frame).decode()
            case _:
                text = encode_client(frame).decode()
        self._socket.say(text)
        # So that the app has heard it when this returns.
        await asyncio.sleep(0)

    def __repr__(self) -> str:
        feeds = ", ".join(map(str, self._feeds)) or "all topics"
        return f"<AppClient of {feeds} at {self._scope['path']}, {len(self._inbox)} frames wait>"

    # In order of life.

    async def _be_greeted(self) -> None:
        frame = await self._take()
        if not isinstance(frame, Connected):
            raise Refused(f"the app greets with {short(frame)}: is our router at {self._scope['path']}?")
        self.connection = frame
        # What was refused is told next.
        if any(feed not in frame.topics for feed in self._feeds):
            while not isinstance(refused := await self._take(), ErrorFrame):
                # Before that, whose credentials have an end is told when.
                pass
            kind = UnknownTopic if refused.code == ErrorCode.UNKNOWN_TOPIC else Refused
            raise kind(refused.message)
        await self._has_begun.wait()

    async def _leave(self) -> None:
        self._inbox.leave()
        await self._socket.close()

    async def _heard(self, text: str | bytes) -> None:
        frame = decode_server(text)
        if isinstance(frame, Ping):
            await self.send(Pong())
        elif self._reentry.is_ours(frame):
            await self._inbox.put(frame)
        if isinstance(frame, Connected):
            for asked in self._reentry.greeted(frame):
                await self.send(asked)
        if self._reentry.is_done or self._inbox.is_full:
            self._has_begun.set()

    async def _over(self, end: BaseException) -> None:
        self._has_begun.set()
        await self._inbox.finish(end)

    async def _take(self) -> ServerFrame | UnknownFrame:
        if not self._socket.is_opened:
            raise RuntimeError("nothing is connected yet: use `async with connect(app, …) as ws:`")
        return await self._inbox.take()


def _scope(path: str, query: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": _encoded(headers),
        # The host by which servers know a test that has no connection, as of Starlette's own client.
        "client": ("testclient", 50_000),
        "server": ("localhost", 80),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
