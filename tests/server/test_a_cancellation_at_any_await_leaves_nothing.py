"""Start, serve and stop, cancelled at every await: no task, no client and no timer is left, and it starts again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pulse_radar import Pulse
from pulse_radar.server import draining
from pulse_radar.testing.nats_server import NatsServer
from tests.cancelling import at_each_await
from tests.server.serving import PATIENCE, app_with, make_pulse
from tests.waiting import eventually

HEADERS = [(b"host", b"localhost")]


@pytest.fixture(params=["memory", "nats"])
async def broker(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if request.param == "memory":
        yield "memory://"
    else:
        async with NatsServer(tmp_path) as nats:
            yield nats.url


async def settled(before: set[asyncio.Task[Any]]) -> None:
    """Wait until nothing runs that did not run before."""
    await eventually(lambda: asyncio.all_tasks() <= before | {current()})


def current() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def test_a_start_or_stop_that_is_cancelled_leaves_nothing(broker: str) -> None:
    before = asyncio.all_tasks()
    pulse = make_pulse(broker=broker)

    async def life() -> None:
        async with pulse:
            await pulse.publish("knowledge", "atom_created", {})

    async def check() -> None:
        await settled(before)
        assert draining._running == set()

    assert await at_each_await(life, check) >= 3


async def test_an_end_at_any_moment_of_the_background_work_leaves_nothing(broker: str) -> None:
    before = asyncio.all_tasks()
    for moment in range(60):
        starting = asyncio.ensure_future(make_pulse(broker=broker).__aenter__())
        # The first turns of the loop one by one; what waits for the network is spread over more time.
        for _ in range(min(moment, 20)):
            await asyncio.sleep(0)
        await asyncio.sleep(max(0, moment - 20) / 1_000)
        starting.cancel()
        (outcome,) = await asyncio.gather(starting, return_exceptions=True)
        if isinstance(outcome, Pulse):
            # It was quicker: it ends in the ordinary way.
            await outcome.__aexit__(None, None, None)
        await settled(before)


async def test_a_stop_that_is_cancelled_closes_its_clients_and_stops_its_clock() -> None:
    pulse = make_pulse()
    async with pulse:
        runner = pulse._runner()
        peer = Peer("websocket", "/ws")
        serving = asyncio.create_task(peer.run(pulse))
        await peer.until("subscribed")
        leaving = asyncio.ensure_future(runner.__aexit__(None, None, None))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert (await peer.closed())["code"] == 1012
        assert not runner._alarm.is_set
        await serving


@pytest.mark.parametrize(("kind", "path"), [("websocket", "/ws"), ("http", "/events")])
@pytest.mark.parametrize("asks", [False, True], ids=["open to all", "rights are asked for"])
async def test_a_request_that_is_cancelled_leaves_no_client(kind: str, path: str, asks: bool) -> None:
    async def authorize(*_: object) -> bool:
        await asyncio.sleep(0)
        return True

    async with make_pulse(authorize=authorize if asks else None) as pulse:
        before = asyncio.all_tasks()

        async def visit() -> None:
            peer = Peer(kind, path)
            leaving = asyncio.create_task(peer.leave_after("subscribed"))
            try:
                await peer.run(pulse)
            finally:
                leaving.cancel()

        async def check() -> None:
            await settled(before)
            assert pulse.stats().hub.connections == 0
            assert pulse._runner().connections == 0

        assert await at_each_await(visit, check) >= 3


class Peer:
    """The server's side of ASGI, for one client: what it sent is read here, and it leaves when it is told to."""

    def __init__(self, kind: str, path: str) -> None:
        self._scope = {
            "type": kind,
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"topics=knowledge",
            "headers": HEADERS,
            "subprotocols": [],
        }
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._in.put_nowait({"type": "websocket.connect" if kind == "websocket" else "http.request"})
        self._sent: list[dict[str, Any]] = []
        self._changed = asyncio.Event()

    async def run(self, pulse: Pulse) -> None:
        await app_with(pulse)(self._scope, self._in.get, self._send)

    async def _send(self, message: Any) -> None:
        self._sent.append(message)
        self._changed.set()
        await asyncio.sleep(0)

    async def leave_after(self, text: str) -> None:
        await self.until(text)
        self._in.put_nowait({"type": f"{self._scope['type']}.disconnect", "code": 1006})

    async def until(self, text: str) -> None:
        await self._first(lambda message: text in str(message.get("text") or message.get("body")))

    async def closed(self) -> dict[str, Any]:
        return await self._first(lambda message: message["type"] == "websocket.close")

    async def _first(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while not (found := [message for message in self._sent if is_it(message)]):
                self._changed.clear()
                await self._changed.wait()
        return found[0]
