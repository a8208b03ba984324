"""WebSockets of the app's own routes, under our protocol class: they see what uvicorn alone would show them."""

import asyncio
import logging
from typing import Any

import pytest
from fastapi import FastAPI, Request, WebSocket
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pulse_radar.server.uvicorn_protocol import PulseWebSocketProtocol
from pulse_radar.server.websocket_frames import TEXT
from tests.server.serving import PATIENCE, Client, app_with, handshake, make_pulse, serving
from tests.server.test_frames_of_clients_are_read_as_rfc_6455_says import masked
from tests.waiting import eventually

RUBBISH = b"\xff" * 8


both = pytest.mark.parametrize("is_direct", [True, False], ids=["ours", "uvicorn's"])


async def who_spoke_early(
    port: int, early: bytes, has_come: asyncio.Event, *, path: str = "/ws"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that asked for a WebSocket, and said this once the application looked at it and had not answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(handshake(port, path=path))
    await has_come.wait()
    writer.write(early)
    await asyncio.sleep(0.1)
    return reader, writer


@pytest.fixture
def app() -> FastAPI:
    return app_with(make_pulse())


@both
async def test_a_route_that_listens_before_it_accepts_hears_everything(app: FastAPI, is_direct: bool) -> None:
    @app.websocket("/echo")
    async def echo(websocket: WebSocket) -> None:
        assert (await websocket.receive())["type"] == "websocket.connect"
        hearing = asyncio.ensure_future(websocket._receive())  # as a route with two tasks does
        await asyncio.sleep(0)
        await websocket.send({"type": "websocket.accept", "headers": [(b"x-own", b"1")]})
        await websocket.send_text((await hearing)["text"])

    async with serving(app, is_direct=is_direct) as server, Client(server.port, path="/echo") as client:
        await client.socket.send("hello")
        assert await client.socket.recv() == "hello"
        response: Any = client.socket.response
        assert response.headers["x-own"] == "1"


@both
async def test_a_route_learns_that_its_client_left_before_it_accepted(app: FastAPI, is_direct: bool) -> None:
    heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    has_come = asyncio.Event()

    @app.websocket("/slow")
    async def slow(websocket: WebSocket) -> None:
        await websocket.receive()
        has_come.set()
        heard.set_result(await websocket._receive())

    async with serving(app, is_direct=is_direct) as server, asyncio.timeout(PATIENCE):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(handshake(server.port, "", path="/slow"))
        await has_come.wait()
        writer.close()
        assert await heard == {"type": "websocket.disconnect", "code": 1006}


@both
async def test_a_route_that_fails_before_it_accepts_is_a_500_and_is_logged(
    app: FastAPI, is_direct: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @app.websocket("/fails")
    async def fails(websocket: WebSocket) -> None:
        raise ZeroDivisionError("on purpose")

    async with serving(app, is_direct=is_direct) as server:
        # Its own configuration keeps its lines to itself.
        monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
        with pytest.raises(InvalidStatus) as refused:
            await Client(server.port, path="/fails").__aenter__()
    assert refused.value.response.status_code == 500
    assert "ZeroDivisionError: on purpose" in caplog.text
    assert "never retrieved" not in caplog.text


@both
async def test_a_route_that_refuses_is_a_403(app: FastAPI, is_direct: bool) -> None:
    @app.websocket("/closed")
    async def closed(websocket: WebSocket) -> None:
        await websocket.close()

    async with serving(app, is_direct=is_direct) as server:
        with pytest.raises(InvalidStatus) as refused:
            await Client(server.port, path="/closed").__aenter__()
    assert refused.value.response.status_code == 403


@both
async def test_a_route_that_fails_later_closes_its_websocket(app: FastAPI, is_direct: bool) -> None:
    @app.websocket("/breaks")
    async def breaks(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        raise ZeroDivisionError("on purpose")

    async with serving(app, is_direct=is_direct) as server, Client(server.port, path="/breaks") as client:
        await client.socket.send("go")
        with pytest.raises(ConnectionClosed):
            await client.next()


@both
async def test_a_client_that_spoke_too_early_is_heard_all_the_same(app: FastAPI, is_direct: bool) -> None:
    has_come, may_go_on = asyncio.Event(), asyncio.Event()

    @app.websocket("/echo")
    async def echo(websocket: WebSocket) -> None:
        has_come.set()
        await may_go_on.wait()
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())

    async with serving(app, is_direct=is_direct) as server, asyncio.timeout(PATIENCE):
        reader, writer = await who_spoke_early(server.port, masked(TEXT, b"early"), has_come, path="/echo")
        may_go_on.set()
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(7) == b"\x81\x05early"
        writer.close()


async def test_what_came_too_early_and_is_no_frame_closes_its_websocket_alone(app: FastAPI) -> None:
    # uvicorn's own fails at it.
    has_come, may_go_on = asyncio.Event(), asyncio.Event()

    @app.websocket("/slow")
    async def slow(websocket: WebSocket) -> None:
        has_come.set()
        await may_go_on.wait()
        await websocket.accept()
        await websocket.receive_text()

    async with serving(app) as server, asyncio.timeout(PATIENCE):
        reader, writer = await who_spoke_early(server.port, RUBBISH, has_come, path="/slow")
        may_go_on.set()
        await reader.readuntil(b"\r\n\r\n")
        assert (await reader.readexactly(4))[2:] == (1002).to_bytes(2)
        writer.close()


@pytest.mark.parametrize("early", [RUBBISH, masked(TEXT, b"early"), masked(8, b"\x03\xe8")])
@pytest.mark.parametrize("path", ["/ws", "/slow"])
async def test_who_spoke_too_early_does_not_keep_the_others_from_leaving(path: str, early: bytes) -> None:
    has_come, may_go_on = asyncio.Event(), asyncio.Event()

    async def authenticate(request: Request) -> bool:
        if "shy" not in request.query_params:
            has_come.set()
            await may_go_on.wait()
        return True

    app = app_with(make_pulse(authenticate=authenticate))

    @app.websocket("/slow")
    async def slow(websocket: WebSocket) -> None:
        has_come.set()
        await may_go_on.wait()

    async with asyncio.timeout(PATIENCE), serving(app) as server, Client(server.port, "?shy=1") as client:
        reader, writer = await who_spoke_early(server.port, early, has_come, path=path)
        server.should_exit = True
        assert (await client.closed())[0] != 1006
        assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        may_go_on.set()
        writer.close()


@both
async def test_a_route_learns_that_a_client_left_that_spoke_too_early(app: FastAPI, is_direct: bool) -> None:
    has_come, has_left = asyncio.Event(), asyncio.Event()

    @app.websocket("/slow")
    async def slow(websocket: WebSocket) -> None:
        has_come.set()
        while (await websocket._receive())["type"] != "websocket.disconnect":
            pass
        has_left.set()

    async with serving(app, is_direct=is_direct) as server, asyncio.timeout(PATIENCE):
        _, writer = await who_spoke_early(server.port, masked(TEXT, b"early"), has_come, path="/slow")
        writer.close()
        await has_left.wait()


async def test_a_client_that_spoke_too_early_is_heard_by_our_endpoint_as_well() -> None:
    has_come, may_go_on = asyncio.Event(), asyncio.Event()

    async def authenticate(_: object) -> bool:
        has_come.set()
        await may_go_on.wait()
        return True

    async with (
        serving(app_with(make_pulse(authenticate=authenticate))) as server,
        asyncio.timeout(PATIENCE),
    ):
        early = masked(TEXT, b'{"action":"ping","ts":7}')
        reader, writer = await who_spoke_early(server.port, early, has_come)
        may_go_on.set()
        await reader.readuntil(b'{"type":"pong","ts":7}')
        writer.close()


async def test_a_server_may_end_between_an_odd_request_and_its_refusal() -> None:
    async with serving(app_with(make_pulse())) as server, asyncio.timeout(PATIENCE):
        state = server.server_state
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(handshake(server.port).replace(b"Version: 13", b"Version: 8"))
        # Looked for in each turn of the loop: it is there for one.
        while not (odd := [each for each in state.connections if isinstance(each, PulseWebSocketProtocol)]):
            await asyncio.sleep(0)
        odd[0].shutdown()
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()


class Meddling:
    """A middleware that says something of its own where a WebSocket is accepted."""

    def __init__(self, app: ASGIApp, says: list[Message]) -> None:
        self._app = app
        self._says = says

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def meddle(message: Message) -> None:
            for said in self._says if message["type"] == "websocket.accept" else [message]:
                await send(said)

        await self._app(scope, receive, send if scope["type"] != "websocket" else meddle)


@both
async def test_a_middleware_may_refuse_whom_our_endpoint_accepts(app: FastAPI, is_direct: bool) -> None:
    app.add_middleware(Meddling, says=[{"type": "websocket.close", "code": 1008}])
    async with serving(app, is_direct=is_direct) as server:
        with pytest.raises(InvalidStatus) as refused:
            await Client(server.port).__aenter__()
        assert refused.value.response.status_code == 403
        await eventually(lambda: not server.server_state.connections)


@both
async def test_a_middleware_may_close_what_our_endpoint_accepts(app: FastAPI, is_direct: bool) -> None:
    says: list[Message] = [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1008}]
    app.add_middleware(Meddling, says=says)
    async with serving(app, is_direct=is_direct) as server:
        async with Client(server.port) as client:
            assert await client.closed() == (1008, "")
        await eventually(lambda: not server.server_state.connections)
