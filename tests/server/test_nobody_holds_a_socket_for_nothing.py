"""Nobody holds a socket of HTTP for nothing: who says nothing, drips, says too much, or takes no answer."""

import asyncio
import contextlib
import functools
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from pulse_radar.cli.serving import ServeConfig
from pulse_radar.server.places import ConnectionBounds, Places
from pulse_radar.server.proxies import TrustedProxies
from pulse_radar.server.request_pace import GIVEN_UP, AnswerPace, GivenUp, HttpBounds, RequestPace
from pulse_radar.server.sockets import Sockets
from pulse_radar.server.uvicorn_http import PulseHttpProtocol
from tests.server.serving import PATIENCE, Server, app_with, handshake, make_pulse, serving
from tests.waiting import eventually

HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
SMALL = b"GET / HTTP/1.1\r\n\r\n"

# So soon everything is overdue here.
SOON = HttpBounds(request_seconds=0.3, response_seconds=0.3)


def app(release: asyncio.Event) -> FastAPI:
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        try:
            return Response(await request.body())
        except ClientDisconnect:
            return Response(status_code=400)

    @app.post("/later")
    async def later(request: Request) -> Response:
        await release.wait()
        return Response(await request.body())

    @app.get("/large")
    async def large() -> Response:
        return Response(b"x" * 16 * 1024**2)

    return app


@contextlib.asynccontextmanager
async def bounded(
    release: asyncio.Event | None = None, bounds: HttpBounds = SOON, **given: Any
) -> AsyncIterator[Server]:
    protocol = functools.partial(PulseHttpProtocol, bounds=bounds, **given)
    async with serving(app(release or asyncio.Event()), http=protocol) as server:
        yield server


@contextlib.asynccontextmanager
async def connected(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=256 * 1024)
    try:
        async with asyncio.timeout(PATIENCE):
            yield reader, writer
    finally:
        writer.close()


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send it byte by byte, each sooner than anything is overdue."""
    with contextlib.suppress(ConnectionError):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def dripping(writer: asyncio.StreamWriter, data: bytes) -> AsyncIterator[None]:
    task = asyncio.create_task(drip(writer, data))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_socket_that_says_nothing_is_let_go_of_without_a_word() -> None:
    async with bounded() as server, connected(server) as (reader, _):
        assert await reader.read() == b""


@pytest.mark.parametrize(
    "before", [b"", HEAD + b"Content-Length: 2\r\n\r\nhi"], ids=["the first", "the second"]
)
@pytest.mark.parametrize(
    "head", [b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000, b"\r\n" * 1_000], ids=["head", "lines"]
)
async def test_a_head_that_drips_is_told_so(before: bytes, head: bytes) -> None:
    async with bounded() as server, connected(server) as (reader, writer):
        writer.write(before)
        if before:
            await reader.readuntil(b"\r\n\r\nhi")
        async with dripping(writer, head):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_drips_is_told_so() -> None:
    async with bounded() as server, connected(server) as (reader, writer):
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
        async with dripping(writer, b"x" * 1_000):
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_a_body_has_more_time_the_more_of_it_comes() -> None:
    async with bounded() as server, connected(server) as (reader, writer):
        writer.write(HEAD + b"Content-Length: 10010\r\n\r\n")
        # For so many bytes there are twenty seconds more.
        writer.write(b"x" * 10_000)
        await asyncio.sleep(0.7)
        writer.write(b"y" * 10)
        assert (await reader.readuntil(b"y" * 10)).startswith(b"HTTP/1.1 200 ")


async def test_whoever_waits_for_us_has_all_the_time_there_is() -> None:
    """A body that nobody reads yet, and another request behind one that is not answered yet."""
    release = asyncio.Event()
    large = b"x" * 1_000_000
    async with bounded(release) as server, connected(server) as (reader, writer):
        writer.write(b"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + large)
        await asyncio.sleep(0.7)
        release.set()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        await reader.readexactly(len(large))


@pytest.mark.parametrize(
    "more",
    [
        b"GET / HTTP/1.1\r\nX: ",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: ",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
    ],
    ids=["a header", "a trailer", "an extension of a chunk"],
)
async def test_what_has_no_end_is_refused_before_it_fills_the_memory(more: bytes) -> None:
    async with bounded(bounds=HttpBounds()) as server, connected(server) as (reader, writer):
        writer.write(more)
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"y" * 10_000)
                await writer.drain()
        assert (await reader.read()).startswith(b"HTTP/1.1 431 ")


async def test_a_body_of_many_small_pieces_is_no_head_without_end() -> None:
    async with bounded(bounds=HttpBounds()) as server, connected(server) as (reader, writer):
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(300):
            writer.write(b"1\r\nx\r\n" * 100)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_an_answer_that_nobody_takes_is_given_up() -> None:
    async with bounded() as server, connected(server) as (_, writer):
        before = GIVEN_UP[GivenUp.UNREAD]
        writer.write(GET)
        await eventually(lambda: GIVEN_UP[GivenUp.UNREAD] == before + 1)
        await eventually(lambda: not server.server_state.tasks)


async def test_of_requests_that_wait_behind_another_there_are_sixteen() -> None:
    """Of eighteen bytes each becomes eight kilobytes, and they come by the thousand."""
    release = asyncio.Event()
    first = b"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    async with bounded(release, HttpBounds()) as server:
        async with connected(server) as (reader, writer):
            writer.write(first + SMALL * 17)
            assert (await reader.read()).startswith(b"HTTP/1.1 429 ")
        async with connected(server) as (reader, writer):
            writer.write(first + SMALL * 16)
            release.set()
            answers = b""
            while answers.count(b"HTTP/1.1 404 ") < 16:
                answers += await reader.read(4096)


@pytest.mark.parametrize(
    ("behind", "said"), [(SMALL, b"subscribed"), (handshake(80), b" 429 ")], ids=["a request", "an upgrade"]
)
async def test_a_stream_ends_with_its_socket_whatever_is_asked_behind_it(behind: bytes, said: bytes) -> None:
    pulse = make_pulse(ping_interval=0.05)
    async with serving(app_with(pulse)) as server:
        async with connected(server) as (reader, writer):
            writer.write(b"GET /events?topics=knowledge HTTP/1.1\r\nHost: localhost\r\n\r\n" + behind)
            await reader.readuntil(said)
        await eventually(lambda: pulse.stats().hub.connections == 0)


async def test_a_peer_has_so_many_sockets_and_another_has_its_own() -> None:
    places = Places(ConnectionBounds(in_process=3, of_address=1, of_principal=1))
    async with bounded(sockets=Sockets(places, TrustedProxies([])), bounds=HttpBounds()) as server:
        async with connected(server), connected(server) as (_, second), connected(server):
            async with connected(server) as (reader, _):
                assert (await reader.read()).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            second.close()
            await eventually(lambda: "2 of 3" in repr(places))
            async with httpx.AsyncClient() as http:
                assert (await http.post(f"http://127.0.0.1:{server.port}/echo", content=b"hi")).text == "hi"
        await eventually(lambda: "0 of 3" in repr(places))


async def test_a_handshake_keeps_the_place_of_its_socket_until_it_is_let_in_or_gone() -> None:
    """One address could hold every file there is by asking for upgrades, and not answering the close."""
    lets_in = asyncio.Event()

    async def authenticate(request: Request) -> str | None:
        await lets_in.wait()
        return request.query_params.get("who")

    places = Places(ConnectionBounds(in_process=2, of_address=1, of_principal=1))
    http = functools.partial(PulseHttpProtocol, sockets=Sockets(places, TrustedProxies([])))
    async with (
        serving(app_with(make_pulse(authenticate=authenticate)), http=http) as server,
        connected(server) as (guest, knocks),
        connected(server) as (stranger, knocks_too),
    ):
        knocks.write(handshake(server.port, "?who=ada"))
        knocks_too.write(handshake(server.port))
        async with connected(server) as (third, _):
            assert (await third.read()).startswith(b"HTTP/1.1 503 ")
        lets_in.set()
        await guest.readuntil(b"subscribed")
        await stranger.readuntil(b"unauthenticated")
        # Who is turned away and does not go has its place until it is cut off.
        assert "1 of 2" in repr(places)
        knocks_too.close()
        await eventually(lambda: "0 of 2" in repr(places))


@pytest.mark.parametrize(
    ("peer", "is_bounded"), [("203.0.113.7", True), ("10.0.0.1", False), ("127.0.0.1", False)]
)
def test_sockets_of_trusted_proxies_are_bounded_by_the_process_alone(peer: str, is_bounded: bool) -> None:
    places = Places(ConnectionBounds(in_process=3, of_address=1, of_principal=1))
    sockets = Sockets(places, TrustedProxies(["10.0.0.0/8"]))
    taken = [sockets.take(peer) for _ in range(4)]
    assert [whose is not None for whose in taken] == [True, not is_bounded, not is_bounded, False]


async def test_serve_has_the_bounds_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_REQUEST_SECONDS", "0.3")
    monkeypatch.setenv("PULSE_MAX_CONNECTIONS", "1")
    config = ServeConfig(
        app(asyncio.Event()), port=0, http=PulseHttpProtocol, log_config=None, timeout_graceful_shutdown=1
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    async with connected(server) as (silent, _), connected(server) as (second, _):
        assert (await second.read()).startswith(b"HTTP/1.1 503 ")
        assert await silent.read() == b""
    server.should_exit = True
    await serving


steps: st.SearchStrategy[Callable[[RequestPace, float], None]] = st.sampled_from(
    [
        RequestPace.begins,
        RequestPace.goes_on,
        lambda pace, _: pace.came(700),
        lambda pace, _: pace.ends(),
    ]
)


@given(st.lists(st.tuples(st.floats(0, 20), steps), max_size=30))
def test_while_a_request_is_coming_it_has_a_deadline(taken: list[tuple[float, Any]]) -> None:
    pace, now = RequestPace(10, 0.0), 0.0
    for pause, step in taken:
        now += pause
        was = pace.deadline
        step(pace, now)
        assert pace.deadline >= min(was, now + 10)
        assert (
            pace.deadline == math.inf
            or pace.deadline <= max(was if was < math.inf else 0, now + 10) + 700 / 500
        )


def test_an_answer_of_which_anything_is_taken_goes_on() -> None:
    pace = AnswerPace(10)
    pace.note(100, 0.0)
    pace.note(100, 5.0)
    assert not pace.has_stalled(100, 9.0)
    assert not pace.has_stalled(99, 10.0)
    pace.note(99, 10.0)
    assert pace.has_stalled(99, 20.0)
    pace.note(99, 20.0)
    pace.note(0, 21.0)
    assert pace.deadline == math.inf
