"""A state topic that several servers keep: bounded by us, for full they would refuse every change."""

import pytest

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.brokers.topic_spec import StateTopic
from pulse_radar.errors import TopicFull
from pulse_radar.server.patience import until_answered
from pulse_radar.testing.broker_contract import Watcher, draft
from pulse_radar.testing.broker_contract.state import StateReader, deletion, state_of
from pulse_radar.testing.nats_cluster import NatsCluster


async def test_a_full_topic_still_takes_changes_and_a_killed_leader_costs_no_key(
    cluster: NatsCluster,
) -> None:
    async with NatsBroker(cluster.url, replicas=3) as broker, NatsBroker(cluster.url, create=False) as other:
        await until_answered("jobs", lambda: broker.declare([StateTopic("jobs", max_keys=4)]))
        queue = PublishQueue(other, limit=100, deadline_seconds=40, max_event_bytes=1_000)
        async with Watcher(broker, "jobs", 0) as watcher:
            for number in range(4):
                await queue.publish(draft("jobs", f"{number}", key=f"k{number}"))
            for key in ("k4", "k5"):
                with pytest.raises(TopicFull, match="jobs"):
                    await queue.publish(draft("jobs", f"one-more-{key}", key=key))
            changed = await queue.publish(draft("jobs", "changed", key="k1"))
            await queue.publish(deletion("jobs", "gone", key="k2"))
            leader = await cluster.leader("PULSE_jobs")
            await leader.kill()
            after = await queue.publish(draft("jobs", "after", key="k3"))
            await leader.start()
            reader = StateReader()
            reader.take(await watcher.reaches(after))
        assert reader.resets == 0
        assert reader.map == await state_of(other, "jobs")
        assert (reader.map["k1"], reader.map["k3"]) == (changed, after)
        assert reader.map.keys() == {"k0", "k1", "k3"}
