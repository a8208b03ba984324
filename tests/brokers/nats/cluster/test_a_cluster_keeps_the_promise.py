"""Servers of a cluster die and lose each other under load: nothing is lost, doubled or turned around."""

import asyncio

import pytest

from pulse_radar.broker_url import place
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.errors import OutcomeUnknown
from pulse_radar.testing.broker_contract import draft
from pulse_radar.testing.nats_cluster import NatsCluster
from tests.brokers.nats.cluster.load import Load


async def test_a_killed_leader_costs_nobody_an_event(cluster: NatsCluster) -> None:
    """Several streams behind one subscription, in several processes at once."""
    async with Load(cluster) as load:
        for name in ("one", "other"):
            await load.client(name, cluster.url)
            await load.process()
        async with load.flowing():
            await load.goes_on("one")
            leader = await cluster.leader("PULSE_tasks")
            await leader.kill()
            await load.goes_on("one")
            await leader.start()
            await load.goes_on("other")
        await load.check()


async def test_without_a_quorum_publishers_are_told_and_all_goes_on_when_it_is_back(
    cluster: NatsCluster,
) -> None:
    async with Load(cluster) as load:
        leader = await cluster.leader("PULSE_tasks")
        *dead, survivor = (leader, *cluster.others(leader))
        # Who looks for another server in those two seconds attempts nothing, and is told another thing.
        broker = await load.client("one", survivor.url)
        await load.client("other", cluster.url)
        hasty = PublishQueue(broker, limit=10, deadline_seconds=2.0, max_event_bytes=1_000)
        early, event = draft("tasks", "of-somebody-early"), draft("tasks", "of-somebody-hasty")
        # So that it knows where the topic is: before that it attempts nothing without a leader.
        load.ledgers["tasks"].note(await hasty.publish(early), early.id)
        async with load.flowing():
            await load.goes_on("one")
            for server in dead:
                await server.kill()
            with pytest.raises(OutcomeUnknown, match="may or may not be stored"):
                await hasty.publish(event)
            for server in dead:
                await server.start()
            await load.goes_on("one")
        # With the same id, as it was told.
        patient = PublishQueue(broker, limit=10, deadline_seconds=30.0, max_event_bytes=1_000)
        load.ledgers["tasks"].note(await patient.publish(event), event.id)
        await load.check()


async def test_who_is_on_the_wrong_side_of_a_cut_goes_to_another_server_or_waits(
    cluster: NatsCluster,
) -> None:
    async with Load(cluster) as load:
        alone = await cluster.leader("PULSE_tasks")
        await load.client("knows-only-that-one", alone.url)
        await load.client("right-side", cluster.others(alone)[0].url)
        mobile = await load.client("knows-all", cluster.url, leave_after_seconds=2.0)
        while mobile.stats().server != place(alone.url):
            mobile._link._leave()
            await asyncio.sleep(0.1)
        async with load.flowing():
            await load.goes_on("knows-all")
            cluster.cut_off(alone)
            await load.goes_on("right-side")
            await load.goes_on("knows-all")
            cluster.heal()
            await load.goes_on("knows-only-that-one")
        await load.check()
