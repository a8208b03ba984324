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
    GapFrame,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    UnknownFrame,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.testing.app_lifespan import App, Message, running
from pulse_radar.testing.reentry import Reentry

__all__ = ["AppClient", "NothingCame", "connect"]

# An app that takes longer to start, or to let a client go, hangs.
_PATIENCE_SECONDS: Final = 20.0

# No server is there to drop a long request line: a thousand keys may be asked for at once.
_QUERY_LENGTH: Final = 1_000_000

# So much may wait to be looked at; then the app is as if its client read no more.
_WAITING_FRAMES: Final = 10_000

# As much of what came instead is told as a person reads.
_TOLD_FRAMES: Final = 12
_TOLD_LENGTH: Final = 120


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
        self._reentry = Reentry(beginning)
        # It has begun where it was asked to, or never will.
        self._has_begun = asyncio.Event()
        self._token = token
        self._runs_app = lifespan
        self._scope = scope
        self._stack = AsyncExitStack()
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._frames: asyncio.Queue[ServerFrame | UnknownFrame | None] = asyncio.Queue(_WAITING_FRAMES)
        self._task: asyncio.Task[None] | None = None
        # Nobody looks any more: what still comes is dropped.
        self._is_left = False
        self._is_accepted = False
        # Of an upgrade that is being refused.
        self._status = 0
        # Why nothing more comes.
        self._end: BaseException | None = None
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
            self._to_app.put_nowait({"type": "websocket.connect"})
            self._task = asyncio.create_task(self._run(), name=f"{self._scope['path']} of an app in a test")
            stack.push_async_callback(self._leave, self._task)
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
            raise NothingCame(f"no {name or 'event'} came within {timeout:g} s; {_told(passed)}") from None

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
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})
        # So that the app has heard it when this returns.
        await asyncio.sleep(0)

    def __repr__(self) -> str:
        feeds = ", ".join(map(str, self._feeds)) or "all topics"
        return f"<AppClient of {feeds} at {self._scope['path']}, {self._frames.qsize()} frames wait>"

    # In order of life.

    async def _be_greeted(self) -> None:
        frame = await self._take()
        if not isinstance(frame, Connected):
            raise Refused(f"the app greets with {_short(frame)}: is our router at {self._scope['path']}?")
        self.connection = frame
        # What was refused is told next.
        if any(feed not in frame.topics for feed in self._feeds):
            while not isinstance(refused := await self._take(), ErrorFrame):
                # Before that, whose credentials have an end is told when.
                pass
            kind = UnknownTopic if refused.code == ErrorCode.UNKNOWN_TOPIC else Refused
            raise kind(refused.message)
        await self._has_begun.wait()

    async def _run(self) -> None:
        end: BaseException = Refused("the app ended without a word")
        try:
            await self._app(self._scope, self._to_app.get, self._heard)
        except BaseException as error:
            end = error
            raise
        finally:
            await self._finish(end)

    async def _leave(self, task: asyncio.Task[None]) -> None:
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        self._is_left = True
        while not self._frames.empty():
            # An app that waits for room ends only if it gets it.
            self._frames.get_nowait()
        done, _ = await asyncio.wait([task], timeout=_PATIENCE_SECONDS)
        if not done:
            task.cancel()
            await asyncio.wait([task])
        if self._end is None or not isinstance(self._end, Refused):
            task.result()

    async def _heard(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self._is_accepted = True
            case "websocket.close" if not self._is_accepted:
                # As any server answers it (ASGI specification, WebSocket Close).
                await self._finish(
                    Refused(
                        f"the app refuses the connection: 403, is our router at {self._scope['path']}?", 403
                    )
                )
            case "websocket.send":
                await self._heed(decode_server(message.get("text") or message["bytes"]))
            case "websocket.close":
                code, reason = message.get("code", 1000), message.get("reason") or ""
                await self._finish(Refused(f"the app closed the connection: {code} {reason}".strip(), code))
            case "websocket.http.response.start":
                self._status = message["status"]
            case "websocket.http.response.body":
                text = message.get("body", b"").decode(errors="replace").strip()
                await self._finish(
                    Refused(f"the app refuses the connection: {self._status} {text}", self._status)
                )
            case _:
                pass

    async def _heed(self, frame: ServerFrame | UnknownFrame) -> None:
        match frame:
            case Ping():
                await self.send(Pong())
            case _ if self._reentry.is_ours(frame) and not self._is_left:
                await self._frames.put(frame)
            case _:
                pass
        if isinstance(frame, Connected):
            for asked in self._reentry.greeted(frame):
                await self.send(asked)
        if self._reentry.is_done or self._frames.full():
            self._has_begun.set()

    async def _finish(self, end: BaseException) -> None:
        if self._end is None:
            self._end = end
            self._has_begun.set()
            if not self._is_left:
                await self._frames.put(None)

    async def _take(self) -> ServerFrame | UnknownFrame:
        if self._task is None:
            raise RuntimeError("nothing is connected yet: use `async with connect(app, …) as ws:`")
        frame = await self._frames.get()
        if frame is None:
            assert self._end is not None
            # It stays so.
            self._frames.put_nowait(None)
            raise self._end
        return frame


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


def _told(frames: list[ServerFrame | UnknownFrame]) -> str:
    if not frames:
        return "nothing else came either"
    told = ", ".join(map(_short, frames[:_TOLD_FRAMES]))
    return f"instead came {told}{f' and {len(frames) - _TOLD_FRAMES} more' if len(frames) > _TOLD_FRAMES else ''}"


def _short(frame: ServerFrame | UnknownFrame) -> str:
    match frame:
        case EventFrame():
            data = msgspec.json.encode(frame.data).decode()[:_TOLD_LENGTH]
            return f"{Feed(frame.topic, frame.key)} {frame.name} {data}"
        case GapFrame(feed, first, last, reason):
            return f"a gap in {feed} from {first} to {last} ({reason})"
        case SnapshotFrame(feed):
            return f"a snapshot of {feed}"
        case ErrorFrame(code, message):
            return f"an error, {message} ({code})"
        case _:
            return type(frame).__name__.lower()
