"""A hook of the app that never answers is not waited for: whoever asked is told to come back later."""

import asyncio
import time
from typing import Any

import pytest
from fastapi import Depends

from pulse_radar.server.hooks import HookTooSlow, in_time
from tests.server.serving import Client, StreamReader, app_with, asking, make_pulse, serving

TRANSPORTS = pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "portable"])


async def hangs(*_: object) -> Any:
    await asyncio.Event().wait()


async def reads_messages(_principal: object, _action: str, topic: str, _key: str | None) -> bool:
    return topic == "messages" or bool(await hangs())


def never_ends() -> str:
    """A dependency that runs in a thread, which nobody can stop."""
    time.sleep(1)
    return "ada"


@TRANSPORTS
@pytest.mark.parametrize(
    "hooks", [{"authenticate": hangs}, {"authorize": hangs}, {"authenticate": Depends(never_ends)}]
)
async def test_who_comes_is_closed_with_1013(hooks: dict[str, Any], is_direct: bool) -> None:
    pulse = make_pulse(hook_seconds=0.1, **hooks)
    async with serving(app_with(pulse), is_direct=is_direct) as server, Client(server.port) as client:
        assert (await client.closed())[0] == 1013


async def test_a_stream_of_events_says_so_and_ends() -> None:
    pulse = make_pulse(hook_seconds=0.1, authenticate=hangs)
    async with serving(app_with(pulse)) as server, StreamReader(server.port) as reader:
        assert (await reader.closed())[0] == 1013


@TRANSPORTS
async def test_who_asks_for_more_is_closed_with_1013_and_was_served_until_then(is_direct: bool) -> None:
    pulse = make_pulse(hook_seconds=0.5, authorize=reads_messages)
    async with (
        serving(app_with(pulse), is_direct=is_direct) as server,
        Client(server.port, "?topics=messages") as client,
    ):
        await client.until("subscription")
        await client.say(action="subscribe", topic="knowledge")
        position = await pulse.publish("messages", "meanwhile", {})
        assert (await client.next())["_seq"] == position.sequence
        assert (await client.closed())[0] == 1013


async def test_a_request_is_answered_with_503() -> None:
    pulse = make_pulse(hook_seconds=0.1, authenticate=hangs, ticket_secret="t" * 32)
    async with (
        serving(app_with(pulse)) as server,
        asking(server.port) as http,
    ):
        for path in ("/publish", "/ticket"):
            answer = await http.post(path, json={})
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")


async def test_all_feeds_together_have_the_time_of_one_answer() -> None:
    async def slow(*_: object) -> bool:
        await asyncio.sleep(0.2)
        return True

    pulse = make_pulse(hook_seconds=0.5, authorize=slow)
    topics = ",".join(f"knowledge/k{number}" for number in range(50))
    async with serving(app_with(pulse)) as server, Client(server.port, f"?topics={topics}") as client:
        assert (await client.closed())[0] == 1013


async def test_what_is_left_behind_is_cancelled_and_its_failure_reaches_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended = asyncio.Event()

    async def fails_when_cancelled() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
            raise ValueError("of the app")

    with pytest.raises(HookTooSlow):
        await in_time("authorize", fails_when_cancelled(), 0.01)
    await ended.wait()
    await asyncio.sleep(0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
