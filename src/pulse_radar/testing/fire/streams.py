"""What the streams hold in the end, read by the broker's own client: the product has no say in what was published."""

import asyncio
from typing import Any, Final

import msgspec
import nats
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig

from pulse_radar.testing.fire.logbook import digest
from pulse_radar.testing.fire.shape import TOPICS
from pulse_radar.testing.fire.truth import Fact, Stored

__all__ = ["read_streams", "store_foreign", "store_last"]

_BATCH: Final = 500

# JSON, and no event.
_FOREIGN: Final = '["not an event"]'

_PATIENCE_SECONDS: Final = 2.0

# What marks a deletion: the first is a publisher's, the second the server's own where the time of a key is over.
_DELETIONS: Final = frozenset({"KV-Operation", "Nats-Marker-Reason"})


async def read_streams(url: str) -> dict[str, list[Stored]]:
    """All that is stored, by topic. Raises: nats.errors.Error, where a cluster is still coming together."""
    client = await nats.connect(servers=url.split(","))
    try:
        return {topic.name: await _read(client.jetstream(), topic.name) for topic in TOPICS}
    finally:
        await client.close()


async def store_last(url: str, topic: str) -> int:
    """Store the deletion of a key that never was on a state topic, for everybody to arrive at; its number.

    Raises: nats.errors.Error, where a cluster is still coming together.
    """
    client = await nats.connect(servers=url.split(","))
    try:
        marker = {"KV-Operation": "DEL"}
        return (await client.jetstream().publish(f"websocket.{topic}.nothing", headers=marker)).seq
    finally:
        await client.close()


async def store_foreign(port: int, topic: str) -> None:
    """Store under a topic what is no event, as any stranger can. Raises: OSError, EOFError, TimeoutError."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            said = f"CONNECT {{}}\r\nPUB websocket.{topic} {len(_FOREIGN)}\r\n{_FOREIGN}\r\nPING\r\n"
            writer.write(said.encode())
            # Behind it on the same connection: what was published is taken.
            await reader.readuntil(b"PONG\r\n")
        finally:
            writer.transport.abort()


async def _read(streams: JetStreamContext, topic: str) -> list[Stored]:
    name = f"PULSE_{topic}"
    last = (await streams.stream_info(name)).state.last_seq
    # Without acknowledgements, for want of which a consumer stops after a thousand.
    reading = ConsumerConfig(ack_policy=AckPolicy.NONE)
    consumer = await streams.pull_subscribe("", stream=name, config=reading)
    stored: list[Stored] = []
    try:
        while (await consumer.consumer_info()).num_pending:
            stored += [_stored(topic, message) for message in await consumer.fetch(_BATCH, timeout=5)]
    finally:
        await consumer.unsubscribe()
    assert not stored or stored[-1].sequence >= last, f"{name} ends at {last}, read was {stored[-1]}"
    return stored


def _stored(topic: str, message: Msg) -> Stored:
    sequence = message.metadata.sequence.stream
    key = message.subject[len(f"websocket.{topic}.") :] or None
    event_id = (message.headers or {}).get("Nats-Msg-Id")
    if _DELETIONS & (message.headers or {}).keys():
        return Stored(sequence, Fact(event_id, key, digest({}), is_deleted=True))
    body: Any = msgspec.json.decode(message.data)
    if not isinstance(body, dict):
        return Stored(sequence, None)
    return Stored(sequence, Fact(event_id, key, digest(body["data"])))
