"""`connect` against servers that stall, refuse, close and vanish."""

import asyncio
import json
import random
import re
from http import HTTPStatus

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from pulse_radar import (
    EventFrame,
    Events,
    InvalidSetting,
    ProtocolError,
    Refused,
    UnknownTopic,
    Unreachable,
    connect,
)
from pulse_radar.client.wire import Token
from pulse_radar.testing.nats_server import free_port
from tests.client.talking import event, greeting, talking

PATIENCE = 10.0


async def heard(url: str, *, token: Token | None = None) -> list[int]:
    """The sequences that come until it ends."""
    async with asyncio.timeout(PATIENCE), connect(url, "knowledge", token=token) as events:
        return [received.sequence async for received in events if isinstance(received, EventFrame)]


async def sequences(events: Events, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            received = await anext(events)
            if isinstance(received, EventFrame):
                found.append(received.sequence)
    return found


async def done(connection: ServerConnection) -> None:
    await connection.send(greeting(4))
    await connection.close(1000)


async def test_it_resumes_with_its_cursor_and_ends_when_the_server_says_so() -> None:
    async def first(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.send(event(5))
        await connection.close(4000)

    async def second(connection: ServerConnection) -> None:
        await connection.send(greeting(5))
        await connection.send(event(6))
        await connection.close(1000)

    async with talking(first, second) as (url, asked):
        assert await heard(url) == [5, 6]
    assert asked == ["/ws?topics=knowledge", "/ws?topics=knowledge&lastSeq=knowledge:5"]


async def test_the_cursor_is_what_was_handed_out_and_not_what_waits() -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        for sequence in range(5, 9):
            await connection.send(event(sequence))
        await connection.wait_closed()

    async def second(connection: ServerConnection) -> None:
        await connection.send(greeting(6))
        await connection.wait_closed()

    async with talking(only, second) as (url, asked), connect(url, "knowledge") as events:
        await sequences(events, 2)
        assert events.cursor == "knowledge:6"
        async with connect(url, "knowledge", after=events.cursor):
            assert asked[1] == "/ws?topics=knowledge&lastSeq=knowledge:6"


async def test_the_cursor_of_the_newest_is_where_they_begin_before_one_is_handed_out() -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(9))
        await connection.send('{"type":"subscription","data":{"action":"unsubscribed","topic":"knowledge"}}')
        for sequence in (8, 9):
            await connection.send(event(sequence))
        await connection.wait_closed()

    async with talking(only) as (url, _), connect(url, "knowledge", last=2) as events:
        assert events.cursor == "knowledge:7"
        await sequences(events, 1)
        assert events.cursor == "knowledge:8"


async def test_it_answers_pings() -> None:
    said: list[object] = []

    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.send('{"type":"ping","ts":1}')
        said.append(json.loads(await connection.recv()))
        await connection.close(1000)

    async with talking(only) as (url, _):
        await heard(url)
    assert said == [{"action": "pong"}]


async def test_a_server_that_says_nothing_for_longer_than_its_timeout_is_left() -> None:
    async def stalled(connection: ServerConnection) -> None:
        await connection.send(greeting(4, pong_timeout=0.2))
        await connection.wait_closed()

    async with talking(stalled, done) as (url, asked):
        await heard(url)
    assert asked[1] == "/ws?topics=knowledge&lastSeq=knowledge:4"


async def test_nothing_is_read_while_nobody_takes_and_the_server_hears_that_we_live() -> None:
    sent = 0
    pongs = asyncio.Event()

    async def flood(connection: ServerConnection) -> None:
        nonlocal sent
        await connection.send(greeting(0, pong_timeout=0.3))
        # Far more than the sockets between us hold, and nothing that compresses away.
        pouring = asyncio.create_task(pour(connection))
        assert json.loads(await connection.recv()) == {"action": "pong"}
        pongs.set()
        await pouring
        await connection.close(1000)

    async def pour(connection: ServerConnection) -> None:
        nonlocal sent
        for sequence in range(1, 601):
            await connection.send(event(sequence, random.randbytes(32_000).hex()))
            sent = sequence

    async with talking(flood) as (url, _), connect(url, "knowledge", buffer_bytes=100_000) as events:
        async with asyncio.timeout(PATIENCE):
            await pongs.wait()
        assert sent < 600
        assert events.stats().waiting_bytes < 100_000 + 65_000
        assert await sequences(events, 600) == list(range(1, 601))
        assert events.stats().connections == 1


async def test_a_wait_that_is_given_up_loses_nothing() -> None:
    go_on = asyncio.Event()

    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await go_on.wait()
        await connection.send(event(5))
        await connection.wait_closed()

    async with talking(only) as (url, _), connect(url, "knowledge") as events:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(events)
        go_on.set()
        assert await sequences(events, 1) == [5]


# Credentials.


async def test_a_token_is_fetched_for_each_attempt_and_travels_in_a_header() -> None:
    tokens = iter(["first", "second"])
    told: list[str] = []

    async def fresh() -> str:
        return next(tokens)

    async def expired(connection: ServerConnection) -> None:
        assert connection.request is not None
        told.append(connection.request.headers["Authorization"])
        await connection.send(greeting(4))
        await connection.close(4101)

    async def second(connection: ServerConnection) -> None:
        assert connection.request is not None
        told.append(connection.request.headers["Authorization"])
        await done(connection)

    async with talking(expired, second) as (url, _):
        await heard(url, token=fresh)
    assert told == ["Bearer first", "Bearer second"]


async def test_what_the_token_raises_is_raised() -> None:
    def broken() -> str:
        raise LookupError("no such user")

    async with talking() as (url, _):
        with pytest.raises(LookupError, match="no such user"):
            await heard(url, token=broken)


# Ends.


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (4400, "not a client's frame", "4400 malformed (not a client's frame)"),
        (4401, "", "4401 unauthenticated (it knows no such credentials: give connect() a `token`"),
        (4401, "unauthenticated", "4401 unauthenticated (it knows no such credentials"),
        (4101, "", "4101 expired (the credentials ran out: give connect() a `token` callable"),
        (1002, "", "1002"),
    ],
)
async def test_a_close_for_good_ends_it_with_its_code_and_what_to_do(
    code: int, reason: str, told: str
) -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.send(event(5))
        await connection.close(code, reason)

    async with talking(only) as (url, _), asyncio.timeout(PATIENCE), connect(url, "knowledge") as events:
        assert await sequences(events, 1) == [5]
        with pytest.raises(Refused, match=re.escape(f"for good: {told}")) as refused:
            await anext(events)
        assert refused.value.code == code


async def test_a_frame_that_is_too_large_ends_it_instead_of_coming_again_for_ever() -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.send(event(5, "x" * 3_000_000))
        await connection.wait_closed()

    async with talking(only) as (url, _):
        with pytest.raises(Refused, match="1009"):
            await heard(url)


async def test_what_is_not_our_protocol_ends_it() -> None:
    async def only(connection: ServerConnection) -> None:
        await connection.send("hello")

    async with talking(only) as (url, _):
        with pytest.raises(ProtocolError, match="not a server's frame"):
            await heard(url)


async def test_an_unknown_topic_is_told_when_it_is_entered() -> None:
    async def only(connection: ServerConnection) -> None:
        data = json.loads(greeting(4))
        data["data"] |= {"topics": [], "lastSeq": {}}
        await connection.send(json.dumps(data))
        error = {"code": "unknown_topic", "message": "unknown topic 'metrcs'", "topic": "metrcs"}
        await connection.send(json.dumps({"type": "error", "data": error}))
        await connection.wait_closed()

    async with talking(only) as (url, _), asyncio.timeout(PATIENCE):
        with pytest.raises(UnknownTopic, match="'metrcs'"):
            async with connect(url, "metrcs"):
                raise AssertionError("entered")


async def test_nobody_there_at_all_is_told_at_once() -> None:
    with pytest.raises(Unreachable, match="nobody answers at ws://127.0.0.1"):
        await heard(f"127.0.0.1:{free_port()}")


async def test_a_server_that_never_says_where_its_topics_begin_is_told() -> None:
    async def mute(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with talking(mute) as (url, _):
        with pytest.raises(Unreachable, match=r"within 0\.2 s"):
            async with connect(url, "knowledge", open_timeout=0.2):
                raise AssertionError("entered")


@pytest.mark.parametrize(("seconds", "size"), [(0, 1), (float("nan"), 1), (1, 0)])
def test_a_bound_that_lets_nothing_through_is_refused_at_once(seconds: float, size: int) -> None:
    with pytest.raises(InvalidSetting, match=r"^(open_timeout|buffer_bytes) is (0|nan): "):
        connect("http://localhost:8000", "knowledge", open_timeout=seconds, buffer_bytes=size)


@pytest.mark.parametrize("status", [HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND])
async def test_a_refused_upgrade_ends_it_with_what_the_server_says(status: HTTPStatus) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(status, "not from there\n")

    async def never(_connection: ServerConnection) -> None:
        raise AssertionError("nobody is let in")

    async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
        with pytest.raises(Refused, match=f"{status.value} not from there") as refused:
            await heard(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert refused.value.code == status


async def test_a_busy_server_is_asked_again_when_it_wants_to_be() -> None:
    answers = iter([HTTPStatus.SERVICE_UNAVAILABLE, None])

    def refuse_once(connection: ServerConnection, _request: Request) -> Response | None:
        status = next(answers)
        if status is None:
            return None
        response = connection.respond(status, "busy\n")
        response.headers["Retry-After"] = "0"
        return response

    async with serve(done, "127.0.0.1", 0, process_request=refuse_once) as server:
        assert await heard(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") == []


async def test_why_a_client_comes_back_is_told_and_what_never_was_is_not_called_lost(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pulse_radar.client.returning._FIRST_PAUSE_SECONDS", 0.001)
    port = free_port()

    statuses = iter([HTTPStatus.INTERNAL_SERVER_ERROR])

    def busy_once(connection: ServerConnection, _request: Request) -> Response | None:
        status = next(statuses, None)
        return None if status is None else connection.respond(status, "")

    async def restarted(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.close(1012)

    def told() -> list[str]:
        return [re.sub(r"ws\S+|: coming back in .*", "", record.getMessage()) for record in caplog.records]

    async def until_told(text: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while text not in told():
                await asyncio.sleep(0.01)

    async with serve(restarted, "127.0.0.1", port, process_request=busy_once):
        following = asyncio.create_task(heard(f"127.0.0.1:{port}"))
        await until_told("no connection to  yet (HTTP 500)")
        await until_told("lost  (closed with 1012)")
    await until_told("no connection to  yet (connection refused)")
    async with serve(done, "127.0.0.1", port):
        await following


async def test_whoever_is_cancelled_while_entering_leaves_nothing_running() -> None:
    async def mute(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with talking(mute) as (url, asked):
        before = asyncio.all_tasks()
        entering = asyncio.create_task(connect(url, "knowledge").__aenter__())
        async with asyncio.timeout(PATIENCE):
            while not asked:
                await asyncio.sleep(0.01)
        entering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await entering
        assert {task for task in asyncio.all_tasks() - before if "pulse-radar" in task.get_name()} == set()


async def test_it_is_entered_once() -> None:
    async with talking(done) as (url, _):
        events = connect(url, "knowledge")
        with pytest.raises(RuntimeError, match="async with"):
            await anext(events)
        async with events:
            assert repr(events).startswith("<Events of ws://127.0.0.1:")
        with pytest.raises(RuntimeError, match="already"):
            await events.__aenter__()


async def test_attempts_that_hang_for_long_have_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a greeting begins a connection: else a server that hangs is asked again and again without a longer pause."""
    monkeypatch.setattr("pulse_radar.client.returning._GOOD_SECONDS", 0.05)
    monkeypatch.setattr("pulse_radar.client.returning._FIRST_PAUSE_SECONDS", 0.001)

    async def good(connection: ServerConnection) -> None:
        await connection.send(greeting(4))
        await connection.close(1001)

    async def hanging(connection: ServerConnection) -> None:
        await asyncio.sleep(0.1)
        await connection.close(1011)

    async with (
        talking(good, hanging, hanging, hanging, done) as (url, _),
        connect(url, "knowledge") as events,
    ):
        async for _ in events:
            pass
        assert repr(events._returning) == "<Returning after 4 vain attempts>"
