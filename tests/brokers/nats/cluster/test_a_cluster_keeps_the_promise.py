"""Servers of a cluster die and lose each other under load: nothing is lost, doubled or turned around."""

import pytest

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.errors import OutcomeUnknown
from pulse_radar.testing.broker_contract import draft
from pulse_radar.testing.nats_cluster import NatsCluster
from tests.brokers.nats.cluster.load import TOPICS, Load


async def test_a_killed_leader_costs_nobody_an_event(cluster: NatsCluster) -> None:
    """Several streams behind one subscription, in several processes at once."""
    async with Load.on(cluster, *[cluster.url] * 2, processes=2) as load:
        async with load.flowing():
            await load.goes_on("tasks")
            leader = await cluster.leader("PULSE_tasks")
            await leader.kill()
            await load.goes_on("tasks")
            await leader.start()
            for topic in TOPICS:
                await load.goes_on(topic)
        await load.check()


async def test_without_a_quorum_publishers_are_told_and_all_goes_on_when_it_is_back(
    cluster: NatsCluster,
) -> None:
    async with Load.on(cluster, *[cluster.url] * 2) as load, NatsBroker(cluster.url) as broker:
        async with load.flowing():
            await load.goes_on("tasks")
            leader = await cluster.leader("PULSE_tasks")
            dead = (leader, cluster.others(leader)[0])
            for server in dead:
                await server.kill()
            hasty = PublishQueue(broker, limit=10, deadline_seconds=2.0, max_event_bytes=1_000)
            event = draft("tasks", "of-somebody-hasty")
            with pytest.raises(OutcomeUnknown, match="may or may not be stored"):
                await hasty.publish(event)
            for server in dead:
                await server.start()
            await load.goes_on("tasks")
        # With the same id, as it was told.
        patient = PublishQueue(broker, limit=10, deadline_seconds=30.0, max_event_bytes=1_000)
        load.ledgers["tasks"].note(await patient.publish(event), event.id)
        await load.check()


@pytest.mark.parametrize("how", ["cut_off", "stall_off"])
async def test_a_network_cut_between_one_server_and_the_others(cluster: NatsCluster, how: str) -> None:
    async with Load.on(cluster, cluster.url, cluster.servers[0].url, cluster.servers[1].url) as load:
        async with load.flowing():
            await load.goes_on("tasks")
            leader = await cluster.leader("PULSE_tasks")
            getattr(cluster, how)(leader)
            await load.goes_on("tasks")
            cluster.heal()
            for topic in TOPICS:
                await load.goes_on(topic)
        await load.check()
