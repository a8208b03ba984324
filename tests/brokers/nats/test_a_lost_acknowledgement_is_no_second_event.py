"""After a lost acknowledgement an event is found, or proven absent, or of unknown outcome: never stored twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from pulse_radar import OutcomeUnknown, Publisher, SequenceConflict, Settings
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
from pulse_radar.testing.broker_contract import draft
from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.nats_server import NatsServer

PATIENCE_SECONDS = 20.0


class Scene:
    """A worker on a link that breaks, and an API process that declared the topic."""

    def __init__(self, server: NatsServer, api: NatsBroker, worker: Publisher, link: FaultyLink) -> None:
        self.server = server
        self.api = api
        self.worker = worker
        self.link = link

    @classmethod
    @asynccontextmanager
    async def of(
        cls, server: NatsServer, topic: TopicSpec, *, window: float = 120.0
    ) -> AsyncIterator["Scene"]:
        """`window` is what the API process has in its settings; the worker has another."""
        async with (
            FaultyLink(server.port) as link,
            NatsBroker(server.url, duplicate_window_seconds=window) as api,
            Publisher(settings=Settings.load(broker=f"nats://127.0.0.1:{link.port}")) as worker,
        ):
            await api.declare([topic])
            await worker.publish("jobs", "warm", {}, key="warm")
            yield cls(server, api, worker, link)

    async def publish(
        self, meanwhile: Callable[[int], Awaitable[object]], expect_last: int | None = None
    ) -> tuple[int, int]:
        """Where the event is stored that loses its acknowledgement, and where the worker is told that it is.

        `meanwhile` is what happens between.
        """
        stored = (await self.last()) + 1
        self.link.swallow_answers()
        publishing = asyncio.create_task(
            self.worker.publish("jobs", "ran", {}, key="k", expect_last=expect_last)
        )
        await self.until(stored)
        await meanwhile(stored)
        self.link.cut()
        self.link.mend()
        async with asyncio.timeout(PATIENCE_SECONDS):
            return stored, (await publishing).sequence

    async def last(self) -> int:
        return (await self.api.extent("jobs")).last

    async def until(self, last: int, first: int = 0) -> None:
        """The topic has come so far, and is kept from there on only."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (extent := await self.api.extent("jobs")).last < last or extent.first < first:
                await asyncio.sleep(0.01)

    async def renew(self, stored: int) -> None:
        """Somebody else publishes the next value of the key."""
        await self.api.store(draft("jobs", "next", key="k"), expect_last=stored)


async def test_it_is_found_where_who_declared_the_topic_has_a_shorter_window_than_the_worker(
    server: NatsServer,
) -> None:
    async with Scene.of(server, LogTopic("jobs"), window=1) as scene:
        stored, told = await scene.publish(lambda _: asyncio.sleep(1.1))
        assert told == stored == await scene.last()


async def test_what_has_expired_is_not_stored_again(server: NatsServer) -> None:
    async with Scene.of(server, LogTopic("jobs", max_age_seconds=1)) as scene:
        before = await scene.last()
        with pytest.raises(OutcomeUnknown, match="be no longer kept"):
            await scene.publish(lambda stored: scene.until(stored, first=stored + 1))
        assert await scene.last() == before + 1


async def test_what_was_trimmed_when_the_server_restarted_is_not_stored_again(server: NatsServer) -> None:
    async with Scene.of(server, LogTopic("jobs", retain=3)) as scene:

        async def trimmed_and_restarted(stored: int) -> None:
            for number in range(3):
                await scene.api.store(draft("jobs", f"other{number}"))
            await scene.server.restart()

        before = await scene.last()
        with pytest.raises(OutcomeUnknown, match="be no longer kept"):
            await scene.publish(trimmed_and_restarted)
        assert await scene.last() == before + 4


async def test_what_never_arrived_is_stored_though_its_window_is_over(server: NatsServer) -> None:
    async with Scene.of(server, LogTopic("jobs", max_age_seconds=1)) as scene:
        before = await scene.last()
        scene.link.stall()
        publishing = asyncio.create_task(scene.worker.publish("jobs", "ran"))
        await scene.until(before, first=before + 1)
        scene.link.cut()
        scene.link.mend()
        assert (await publishing).sequence == before + 1


async def test_a_value_that_is_the_newest_of_its_key_is_found(server: NatsServer) -> None:
    async with Scene.of(server, StateTopic("jobs")) as scene:
        # All that a restarted server knows of ids is what it keeps.
        stored, told = await scene.publish(lambda _: scene.server.restart())
        assert told == stored == await scene.last()


async def test_an_old_value_does_not_come_back_after_a_newer_one(server: NatsServer) -> None:
    async with Scene.of(server, StateTopic("jobs")) as scene:

        async def renewed_and_restarted(stored: int) -> None:
            await scene.renew(stored)
            await scene.server.restart()

        before = await scene.last()
        with pytest.raises(OutcomeUnknown, match=f"superseded by {before + 2}"):
            await scene.publish(renewed_and_restarted)
        assert await scene.last() == before + 2


async def test_a_value_does_not_come_back_after_its_time(server: NatsServer) -> None:
    async with Scene.of(server, StateTopic("jobs", ttl_seconds=1)) as scene:
        before = await scene.last()
        # Two deletions: of the first value and of this one.
        with pytest.raises(OutcomeUnknown, match="superseded"):
            await scene.publish(lambda stored: scene.until(stored + 2))
        assert await scene.last() == before + 3


async def test_a_value_that_never_arrived_is_stored(server: NatsServer) -> None:
    async with Scene.of(server, StateTopic("jobs")) as scene:
        before = await scene.last()
        scene.link.stall()
        publishing = asyncio.create_task(scene.worker.publish("jobs", "ran", {}, key="k"))
        await asyncio.sleep(0.05)
        scene.link.cut()
        scene.link.mend()
        assert (await publishing).sequence == before + 1


@pytest.mark.parametrize("topic", [StateTopic("jobs"), LogTopic("jobs", retain=1)], ids=["state", "log"])
async def test_who_superseded_a_stored_event_is_no_conflict_of_it(
    server: NatsServer, topic: TopicSpec
) -> None:
    async with Scene.of(server, topic) as scene:
        with pytest.raises(OutcomeUnknown):
            await scene.publish(scene.renew, expect_last=0)


async def test_a_stored_event_that_has_a_successor_in_a_log_is_found(server: NatsServer) -> None:
    async with Scene.of(server, LogTopic("jobs")) as scene:
        stored, told = await scene.publish(scene.renew, expect_last=0)
        assert told == stored


async def test_a_conflict_is_told_after_a_lost_attempt_where_it_is_proven(server: NatsServer) -> None:
    async with Scene.of(server, LogTopic("jobs")) as scene:
        scene.link.stall()
        publishing = asyncio.create_task(scene.worker.publish("jobs", "ran", {}, key="k", expect_last=0))
        await asyncio.sleep(0.05)
        await scene.renew(0)
        scene.link.cut()
        scene.link.mend()
        with pytest.raises(SequenceConflict):
            await publishing
