"""What an event costs between processes, in calls of functions: they are the same on a busy machine.

Each API process follows each topic, whether anybody is connected there or not, so what follows an event is paid for by
all of them.
"""

import asyncio
import socket

import pytest
from fastapi import FastAPI

from pulse_radar import Publisher, Pulse
from pulse_radar.hub.inputs import Input
from pulse_radar.testing.nats_server import NatsServer
from tests.calls import Calls

# Of so many events the cheapest counts: a timer or a look at the stream may come in between, but not each time.
EVENTS = 40


async def test_following_an_event_takes_few_calls(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulse = Pulse(server.url)
    pulse.topic("tasks")
    app = FastAPI(lifespan=pulse.lifespan)
    app.include_router(pulse.router)
    async with pulse.lifespan(app):
        runner, handed_on = pulse._runner(), asyncio.Event()
        tell = runner.tell

        def told(what: Input) -> None:
            tell(what)
            handed_on.set()

        monkeypatch.setattr(runner, "tell", told)
        counted: list[Calls] = []
        with socket.create_connection(("127.0.0.1", server.port)) as foreign:
            foreign.sendall(b'CONNECT {"verbose":false,"headers":true}\r\n')
            for number in range(EVENTS):
                handed_on.clear()
                with Calls() as calls:
                    foreign.sendall(event(number))
                    await handed_on.wait()
                counted.append(calls)
        assert pulse.stats().hub.topics["tasks"].last == pulse.position("tasks").sequence
    # 153 and 144, those of asyncio included; by way of the client library's queues and tasks it was 347 and 294.
    assert min(calls.python for calls in counted) < 200
    assert min(calls.native for calls in counted) < 190


async def test_publishing_an_event_takes_few_calls(server: NatsServer) -> None:
    pulse = Pulse(server.url)
    pulse.topic("tasks")
    app = FastAPI(lifespan=pulse.lifespan)
    app.include_router(pulse.router)
    async with pulse.lifespan(app):
        pass
    counted: list[Calls] = []
    async with Publisher(server.url) as publisher:
        await publisher.publish("tasks", "task_done", {"n": 0})
        for number in range(EVENTS):
            with Calls() as calls:
                await publisher.publish("tasks", "task_done", {"n": number})
            counted.append(calls)
    # 178 and 143; it was 303 and 214.
    assert min(calls.python for calls in counted) < 230
    assert min(calls.native for calls in counted) < 190


def event(number: int) -> bytes:
    """One that somebody publishes who has nothing of ours."""
    headers = b"NATS/1.0\r\nNats-Msg-Id: id%d\r\n\r\n" % number
    body = b'{"event":"task_done","data":{"text":"%b"},"ts":1703750400000}' % (b"x" * 64)
    return b"HPUB websocket.tasks %d %d\r\n%b%b\r\n" % (
        len(headers),
        len(headers) + len(body),
        headers,
        body,
    )
