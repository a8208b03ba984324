"""`tail` against servers that stall, refuse, close and vanish."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from pulse_radar.cli.tailing.address import Address
from pulse_radar.cli.tailing.connection import Refused, Tail
from pulse_radar.cli.tailing.following import Beginning, Following
from pulse_radar.protocol.frames import EventFrame, ServerFrame, UnknownFrame
from pulse_radar.protocol.grammar import Feed
from pulse_radar.testing.nats_server import free_port

Talk = Callable[[ServerConnection], Awaitable[None]]


def greeting(last: int, *, ping_interval: float = 20) -> str:
    data = {
        "status": "connected",
        "connectionId": "abc",
        "topics": ["knowledge"],
        "protocol": 1,
        "pingInterval": ping_interval,
        "pongTimeout": 30,
        "lastSeq": {"knowledge": last},
    }
    return json.dumps({"type": "connection", "data": data})


def event(sequence: int) -> str:
    return json.dumps({"topic": "knowledge", "event": "happened", "data": {}, "_seq": sequence})


@contextlib.asynccontextmanager
async def talking(*talks: Talk) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that has one talk after the other; its port, and the paths that were asked for."""
    asked: list[str] = []

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(connection.request.path)
        await talks[len(asked) - 1](connection)

    async with serve(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], asked


async def tail(port: int, *, patience: float = 10.0) -> list[int]:
    """The sequences that a tail shows until it ends."""
    shown: list[int] = []

    def show(frame: ServerFrame | UnknownFrame, _text: str) -> None:
        if isinstance(frame, EventFrame):
            shown.append(frame.sequence)

    following = Following((Feed("knowledge"),), {}, Beginning())
    async with asyncio.timeout(patience):
        await Tail(Address.parse(f"127.0.0.1:{port}"), following, show).run()
    return shown


async def test_it_resumes_with_its_cursor_and_ends_when_the_server_says_so() -> None:
    async def first(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.send(event(5))
        await connection.close(4000)

    async def second(connection: ServerConnection) -> None:
        await connection.send(greeting(5))
        await connection.send(event(6))
        await connection.close(1000)

    async with talking(first, second) as (port, asked):
        assert await tail(port) == [5, 6]
    assert asked == ["/ws?topics=knowledge", "/ws?topics=knowledge&lastSeq=knowledge:5"]


async def test_it_answers_pings() -> None:
    heard: list[object] = []

    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.send('{"type":"ping","ts":1}')
        heard.append(json.loads(await connection.recv()))
        await connection.close(1000)

    async with talking(only) as (port, _):
        await tail(port)
    assert heard == [{"action": "pong"}]


async def test_a_server_that_says_nothing_for_longer_than_its_interval_is_left() -> None:
    async def stalled(connection: ServerConnection) -> None:
        await connection.send(greeting(4, ping_interval=0.2))
        await connection.wait_closed()

    async def second(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.close(1000)

    async with talking(stalled, second) as (port, asked):
        await tail(port)
    assert asked[1] == "/ws?topics=knowledge&lastSeq=knowledge:4"


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (4400, "not a client's frame", "4400 not a client's frame"),
        (4401, "", "4401 unauthenticated"),
        (4101, "", "4101 expired"),
        (1002, "", "1002 (no reason given)"),
    ],
)
async def test_a_refusal_ends_it_with_its_code(code: int, reason: str, told: str) -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    async with talking(only) as (port, _):
        with pytest.raises(Refused, match=re.escape(f"for good: {told}")):
            await tail(port)


async def test_what_is_not_our_protocol_ends_it() -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.send("hello")

    async with talking(only) as (port, _):
        with pytest.raises(Refused, match="does not speak our protocol"):
            await tail(port)


async def test_nobody_there_at_all_is_told_at_once() -> None:
    with pytest.raises(Refused, match="nobody answers at ws://127.0.0.1"):
        await tail(free_port())


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
async def test_a_refused_upgrade_ends_it_with_what_the_server_says(status: HTTPStatus) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(status, "not from there\n")

    async def never(_connection: ServerConnection) -> None:
        raise AssertionError("nobody is let in")

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        with pytest.raises(Refused, match=f"{status.value} not from there"):
            await tail(server.sockets[0].getsockname()[1])


async def test_a_busy_server_is_asked_again() -> None:
    answers = iter([HTTPStatus.SERVICE_UNAVAILABLE, None])

    def refuse_once(connection: ServerConnection, _request: Request) -> Response | None:
        status = next(answers)
        return None if status is None else connection.respond(status, "busy\n")

    async def only(connection: ServerConnection) -> None:
        await connection.close(1000)

    async with serve(only, "127.0.0.1", 0, process_request=refuse_once) as server:
        assert await tail(server.sockets[0].getsockname()[1]) == []


async def test_what_the_server_refuses_is_told_and_the_rest_is_followed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        error = {"code": "unknown_topic", "message": "unknown topic 'metrcs'", "topic": "metrcs"}
        await connection.send(json.dumps({"type": "error", "data": error}))
        await connection.send(event(5))
        await connection.close(1000)

    async with talking(only) as (port, _):
        assert await tail(port) == [5]
    assert capsys.readouterr().err == "error: unknown topic 'metrcs'\n"
