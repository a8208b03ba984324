"""Nothing waits for ever: not a request, not a cancelled one, not the end, and no loss is the last."""

import asyncio

import pytest

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.nats.session import Session
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerRefused, BrokerUnavailable
from pulse_radar.testing.broker_contract import draft
from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.nats_server import NatsServer


async def test_a_request_under_way_fails_at_once_when_the_server_dies(server: NatsServer) -> None:
    async with NatsBroker(server.url, request_timeout_seconds=60) as broker:
        await broker.declare([LogTopic("tasks")])
        server.freeze()
        waiting = asyncio.create_task(broker.store(draft("tasks", "1")))
        await asyncio.sleep(0.05)
        assert broker.stats().requests == 1
        await server.kill()
        async with asyncio.timeout(5):
            with pytest.raises(BrokerUnavailable):
                await waiting
        assert broker.stats().requests == 0


async def test_a_server_that_hangs_is_answered_for_within_the_time_out(server: NatsServer) -> None:
    async with NatsBroker(server.url, request_timeout_seconds=0.2) as broker:
        await broker.declare([LogTopic("tasks")])
        server.freeze()
        with pytest.raises(BrokerUnavailable, match=r"no answer .* in 0\.2 s"):
            await broker.store(draft("tasks", "1"))
        server.thaw()


async def test_a_store_cancelled_leaves_nothing_behind(server: NatsServer) -> None:
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        server.freeze()
        waiting = asyncio.create_task(broker.store(draft("tasks", "1")))
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert broker.stats().requests == 0
        server.thaw()
        assert await broker.store(draft("tasks", "2"))


async def test_what_the_server_does_not_take_is_not_piled_up(server: NatsServer) -> None:
    async with NatsBroker(server.url, request_timeout_seconds=0.5) as broker:
        await broker.declare([LogTopic("tasks")])
        await broker.store(draft("tasks", "before"))
        server.freeze()
        data = b'"' + b"x" * 500_000 + b'"'
        results = await asyncio.gather(
            *(broker.store(draft("tasks", str(number), data=data)) for number in range(60)),
            return_exceptions=True,
        )
        assert all(isinstance(result, BrokerUnavailable) for result in results)
        # Some were sent and not answered; the others were never sent.
        assert {str(result).partition("takes nothing")[1] for result in results} == {"", "takes nothing"}
        server.thaw()
        async with asyncio.timeout(10):
            while not broker.is_connected:
                await asyncio.sleep(0.01)
            sequence = await broker.store(draft("tasks", "later"))
        assert (await broker.extent("tasks")).last == sequence


async def test_closing_ends_at_once_at_whatever_moment_of_connecting_anew(server: NatsServer) -> None:
    async with FaultyLink(server.port) as link:
        for moment in range(30):
            broker = NatsBroker(f"nats://127.0.0.1:{link.port}")
            await broker.__aenter__()
            link.cut()
            link.mend()
            await asyncio.sleep(moment / 2_000)
            async with asyncio.timeout(3):
                await broker.__aexit__(None, None, None)


async def test_connecting_can_be_cancelled(server: NatsServer) -> None:
    before = asyncio.all_tasks()
    for moment in range(10):
        opening = asyncio.create_task(NatsBroker(server.url).__aenter__())
        await asyncio.sleep(moment / 2_000)
        opening.cancel()
        [result] = await asyncio.gather(opening, return_exceptions=True)
        if isinstance(result, NatsBroker):
            await result.__aexit__(None, None, None)
    async with asyncio.timeout(5):
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)


async def test_every_loss_is_followed_by_a_new_connection(server: NatsServer) -> None:
    async with FaultyLink(server.port) as link, NatsBroker(f"nats://127.0.0.1:{link.port}") as broker:
        await broker.declare([LogTopic("tasks")])
        for losses in range(1, 6):
            link.cut()
            link.mend()
            async with asyncio.timeout(10):
                while broker.stats().connections <= losses:
                    await asyncio.sleep(0.01)
        assert broker.is_connected
        assert await broker.store(draft("tasks", "1"))


async def test_what_is_wrong_can_be_read(server: NatsServer, caplog: pytest.LogCaptureFixture) -> None:
    async with NatsBroker(server.url) as broker:
        await server.kill()
        async with asyncio.timeout(10):
            while "no connection" not in repr(broker):
                await asyncio.sleep(0.01)
        assert not broker.is_connected
        assert str(broker.stats().trouble) in repr(broker)
    assert "lost the connection" in caplog.text


async def test_a_link_that_broke_by_a_defect_says_so_to_requests_and_tails(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        sequence = await broker.store(draft("tasks", "1"))
        tail = broker.tail("tasks", after=sequence - 1)
        await anext(tail)
        waiting = asyncio.ensure_future(anext(tail))
        monkeypatch.setattr(Session, "subscribe", broken)
        await server.kill()
        await server.start()
        async with asyncio.timeout(10):
            with pytest.raises(BrokerRefused, match="a defect"):
                await waiting
        with pytest.raises(BrokerRefused, match="a defect"):
            await broker.store(draft("tasks", "2"))
    assert [record.levelname for record in caplog.records].count("CRITICAL") == 1
