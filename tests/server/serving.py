"""A real uvicorn in this event loop, and a client that speaks the wire."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pulse_radar import Pulse, Settings
from pulse_radar.server.uvicorn_http import PulseHttpProtocol
from pulse_radar.server.uvicorn_protocol import PulseWebSocketProtocol

Frame = dict[str, Any]

# Long enough for any machine, short enough to fail a test with its own words.
PATIENCE = 10.0


class Server(uvicorn.Server):
    """A uvicorn that leaves the test runner's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @property
    def port(self) -> int:
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def serving(
    app: FastAPI, *, is_direct: bool = True, port: int = 0, **options: Any
) -> AsyncIterator[Server]:
    """Serve the app on loopback, on a free port unless one is given, with our protocol classes or uvicorn's own."""
    given: dict[str, Any] = {
        "ws": PulseWebSocketProtocol if is_direct else "websockets-sansio",
        "http": PulseHttpProtocol if is_direct else "httptools",
        **options,
    }
    config = uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=3, **given)
    server = Server(config)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:
                if task.done():
                    task.result()
                await asyncio.sleep(0.01)
        yield server
    finally:
        server.should_exit = True
        await task


def app_with(pulse: Pulse) -> FastAPI:
    app = FastAPI(lifespan=pulse.lifespan)
    app.include_router(pulse.router)
    return app


def make_pulse(**given: Any) -> Pulse:
    """A pulse with two topics on memory://; settings by name."""
    hooks = {name: given.pop(name) for name in ("authenticate", "authorize") if name in given}
    pulse = Pulse(settings=Settings.load(**given), **hooks)
    pulse.topic("knowledge")
    pulse.topic("messages")
    return pulse


class Client:
    """A WebSocket client that reads frames as they come, each within the patience of a test."""

    def __init__(self, port: int, query: str = "", *, path: str = "/ws", **options: Any) -> None:
        self._connecting = connect(f"ws://127.0.0.1:{port}{path}{query}", proxy=None, **options)
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        self.socket = await self._connecting
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.socket.close()

    async def next(self) -> Frame:
        async with asyncio.timeout(PATIENCE):
            frame: Frame = json.loads(await self.socket.recv())
        return frame

    async def take(self, count: int) -> list[Frame]:
        return [await self.next() for _ in range(count)]

    async def until(self, kind: str) -> Frame:
        """The next frame of this type, whatever comes before it."""
        while (frame := await self.next()).get("type") != kind:
            pass
        return frame

    async def events(self, count: int) -> list[int]:
        """The sequences of the next events."""
        found: list[int] = []
        while len(found) < count:
            frame = await self.next()
            if "_seq" in frame:
                found.append(frame["_seq"])
        return found

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def closed(self) -> tuple[int, str]:
        """The code and reason that this connection is closed with."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.socket.recv()
        except ConnectionClosed as error:
            return (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")


def asking(port: int, **options: Any) -> httpx.AsyncClient:
    """Whoever makes plain requests of a server here.

    There is no certificate to verify, and to read those of all authorities takes longer than most tests.
    """
    return httpx.AsyncClient(
        **{"base_url": f"http://127.0.0.1:{port}", "timeout": PATIENCE, "verify": False, **options}
    )


class StreamReader:
    """A reader of GET /events that keeps to the HTML standard, as far as our tests need it; else as `Client`."""

    def __init__(self, port: int, query: str = "", *, last_event_id: str = "", **headers: str) -> None:
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        self._http = asking(port, headers=headers, timeout=None)
        self._query = query
        self._stack = contextlib.AsyncExitStack()
        self._lines: AsyncIterator[str]
        self.response: httpx.Response
        # As in a browser: the newest of each that a block brought.
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._http)
        stream = self._http.stream("GET", f"/events{self._query}")
        self.response = await self._stack.enter_async_context(stream)
        self._lines = self.response.aiter_lines()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def block(self) -> tuple[str, Frame]:
        """The next block that has data: its name (`message` where it has none), and the frame. Raises: EOFError."""
        name, data = "message", []
        while True:
            line = await self._line()
            field, _, value = line.partition(": ")
            match field:
                case "event":
                    name = value
                case "data":
                    data.append(value)
                case "id":
                    self.last_event_id = value
                case "retry":
                    self.retry_ms = int(value)
                case "" if data:
                    return name, json.loads("\n".join(data))

    async def _line(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE):
                return await anext(self._lines)
        except (StopAsyncIteration, httpx.TransportError):
            raise EOFError from None

    async def next(self) -> Frame:
        return (await self.block())[1]

    async def take(self, count: int) -> list[Frame]:
        return [await self.next() for _ in range(count)]

    async def until(self, kind: str) -> Frame:
        while (frame := await self.next()).get("type") != kind:
            pass
        return frame

    async def events(self, count: int) -> list[int]:
        found: list[int] = []
        while len(found) < count:
            frame = await self.next()
            if "_seq" in frame:
                found.append(frame["_seq"])
        return found

    async def closed(self) -> tuple[int, str]:
        """The code and reason of the close block; 1006 where the stream just ends."""
        try:
            data = (await self.until("close"))["data"]
        except EOFError:
            return 1006, ""
        return data["code"], data["reason"]


def stalled_client(port: int, query: str = "") -> socket.socket:
    """A client that completes the handshake and then never reads again."""
    return raw_client(port, query, receive_buffer_bytes=4096)


def stalled_reader(port: int, query: str = "") -> socket.socket:
    """The same for GET /events."""
    return raw_reader(port, query, receive_buffer_bytes=4096)


def raw_client(port: int, query: str = "", **options: int) -> socket.socket:
    """A client's socket that has asked for an upgrade: what it gets is read by the test, or not."""
    return _asked(port, handshake(port, query), **options)


def raw_reader(port: int, query: str = "", **options: int) -> socket.socket:
    """The same for GET /events."""
    return _asked(port, handshake(port, query, path="/events"), **options)


def handshake(port: int, query: str = "", *, path: str = "/ws") -> bytes:
    """The request that begins a connection."""
    upgrade = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    )
    more = "" if path == "/events" else upgrade
    return f"GET {path}{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n".encode()


def _asked(port: int, request: bytes, *, receive_buffer_bytes: int | None = None) -> socket.socket:
    client = socket.socket()
    if receive_buffer_bytes is not None:
        # Before the connection is made: a window once offered is not taken back.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    client.connect(("127.0.0.1", port))
    client.sendall(request)
    return client
