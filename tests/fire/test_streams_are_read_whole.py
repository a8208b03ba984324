"""What a run is judged by is all that is stored, however much that is."""

import asyncio
from pathlib import Path

from pulse_radar import Publisher, Pulse
from pulse_radar.testing.fire.logbook import digest
from pulse_radar.testing.fire.shape import TOPICS
from pulse_radar.testing.fire.streams import read_streams, store_foreign
from pulse_radar.testing.nats_server import NatsServer


async def test_every_event_deletion_and_foreign_message_of_a_long_stream_is_read(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server:
        pulse = Pulse(server.url)
        for topic in TOPICS:
            if topic.kind == "state":
                pulse.topic(topic.name, kind="state")
            else:
                pulse.topic(topic.name, retain=10_000)
        async with pulse, Publisher(server.url) as publisher:
            await asyncio.gather(
                *(publisher.publish("knowledge", "e", {"n": n}, id=f"k-{n}") for n in range(2_500))
            )
            await store_foreign(server.port, "knowledge")
            await publisher.publish("monitoring", "e", {"n": 1}, key="k1", id="m-1")
            await publisher.delete("monitoring", "k1", id="m-2")
        stored = await read_streams(server.url)
    knowledge = stored["knowledge"]
    assert len(knowledge) == 2_501
    assert {entry.fact.id for entry in knowledge if entry.fact} == {f"k-{n}" for n in range(2_500)}
    assert [entry.fact for entry in knowledge if entry.fact is None] == [None]
    [deleted] = stored["monitoring"]
    assert deleted.fact is not None
    assert (deleted.fact.id, deleted.fact.key, deleted.fact.is_deleted) == ("m-2", "k1", True)
    assert deleted.fact.digest == digest({})
