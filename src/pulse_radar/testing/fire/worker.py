"""A worker: publishes through a Publisher and writes down what was acknowledged, and under which number.

python -m pulse_radar.testing.fire.worker FOLDER NUMBER INCARNATION

It may be killed at any moment. SIGTERM ends it when everything that it began is stored.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from random import Random
from typing import Final

import uvloop

from pulse_radar import Position, Publisher
from pulse_radar.errors import BrokerUnavailable, OutboxFull, OutcomeUnknown, TopicMissing
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.testing.fire.logbook import Acknowledged, Attempted, Logbook, Unknown, digest
from pulse_radar.testing.fire.orders import Folder
from pulse_radar.testing.fire.shape import FLOODED, TOPICS, TopicShape, topic_shape

__all__: list[str] = []

# Each publishes one event after the other; together they are as many at once as a worker has tasks.
_LANES: Final = 6

# Now and then a lane publishes without a pause.
_BURST_CHANCE: Final = 0.03
_BURST_EVENTS: Final = 40

# A flood: with what the buffers of the system and of the network hold it is more than the bound of a connection.
_FLOOD_EVENTS: Final = 24
_FLOOD_BYTES: Final = 250_000
_FLOOD_SECONDS: Final = 30.0

# Longer than this a repetition is no longer sure to be recognised: half of the duplicate window.
_INSIST_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.2

# Texts as people write them: every length of UTF-8, what JSON must escape, and now and then much of it.
_WORDS: Final = ("pulse", "naïve", "живой", "روشن", "雷达", "🛰️", '"quoted"', "back\\slash", "line\nbreak")
_LONG_CHANCE: Final = 0.01
_LONG_WORDS: Final = 2_000


class Worker:
    """One life of a worker."""

    def __init__(self, folder: Folder, number: int, incarnation: int) -> None:
        orders = folder.take()
        self._name = f"w{number}.{incarnation}"
        self._chance = Random(f"{orders.seed} {self._name}")  # noqa: S311 - it shall be the same each time
        self._pause_seconds = _LANES / orders.shape.events_per_second
        self._logbook = Logbook(folder.worker(number, incarnation))
        self._is_ending = asyncio.Event()

    async def run(self) -> None:
        """Publish until told to end."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._is_ending.set)
        with self._logbook:
            async with AsyncExitStack() as stack:
                publisher = await _connect(stack)
                async with asyncio.TaskGroup() as group:
                    for lane in range(_LANES):
                        group.create_task(self._publish_for_ever(publisher, f"{self._name}-{lane}"))
                    group.create_task(self._flood_for_ever(publisher))

    async def _publish_for_ever(self, publisher: Publisher, lane: str) -> None:
        number = 0
        while not self._is_ending.is_set():
            burst = _BURST_EVENTS if self._chance.random() < _BURST_CHANCE else 1
            for _ in range(burst):
                number += 1
                await self._publish(publisher, lane, f"{lane}-{number}")
            pause = self._chance.expovariate(1 / (self._pause_seconds * burst))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_ending.wait(), pause)

    async def _flood_for_ever(self, publisher: Publisher) -> None:
        """All at once more than a reader who stands still may have unsent, on a topic of its own."""
        topic, flood = topic_shape(FLOODED), 0
        while not self._is_ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_ending.wait(), self._chance.uniform(0, 2 * _FLOOD_SECONDS))
            flood += 1
            async with asyncio.TaskGroup() as group:
                for number in range(_FLOOD_EVENTS):
                    # Side by side, so in no order: each is a lane of its own.
                    event_id = f"{self._name}-flood-{flood}-{number}"
                    data: JsonValue = {"n": number, "text": "x" * _FLOOD_BYTES}
                    group.create_task(self._publish_data(publisher, event_id, event_id, topic, None, data))

    async def _publish(self, publisher: Publisher, lane: str, event_id: str) -> None:
        topic = self._chance.choice(TOPICS)
        key = f"k{self._chance.randrange(topic.keys)}" if topic.keys else None
        if key is not None and self._chance.random() < topic.deletes:
            self._note(Attempted(event_id, lane, topic.name, key, digest({}), is_deleted=True))
            await self._insist(topic, event_id, partial(publisher.delete, topic.name, key, id=event_id))
        else:
            await self._publish_data(publisher, lane, event_id, topic, key, self._data())

    async def _publish_data(
        self,
        publisher: Publisher,
        lane: str,
        event_id: str,
        topic: TopicShape,
        key: str | None,
        data: JsonValue,
    ) -> None:
        self._note(Attempted(event_id, lane, topic.name, key, digest(data)))
        publish = partial(publisher.publish, topic.name, "happened", data, key=key, id=event_id)
        await self._insist(topic, event_id, publish)

    async def _insist(
        self, topic: TopicShape, event_id: str, publish: Callable[[], Awaitable[Position]]
    ) -> None:
        # What a topic soon forgets is soon no longer recognised when it is repeated.
        patience = _INSIST_SECONDS if topic.ttl_seconds is None else 0.0
        began_at = time.monotonic()
        while True:
            try:
                position = await publish()
            except (OutcomeUnknown, BrokerUnavailable, OutboxFull, TopicMissing) as error:
                if time.monotonic() - began_at > patience:
                    self._note(Unknown(event_id, repr(error)))
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._note(Acknowledged(event_id, position.sequence))
                return

    def _data(self) -> JsonValue:
        words = _LONG_WORDS if self._chance.random() < _LONG_CHANCE else self._chance.randrange(1, 12)
        text = " ".join(self._chance.choices(_WORDS, k=words))
        return {"text": text, "n": self._chance.randrange(2**53), "tags": [text[:5], None, True]}

    def _note(self, record: Attempted | Acknowledged | Unknown) -> None:
        self._logbook.note(record)
        # At once: what was attempted must be known before it can be stored.
        self._logbook.flush()

    def __repr__(self) -> str:
        return f"<Worker {self._name}>"


async def _connect(stack: AsyncExitStack) -> Publisher:
    """As often as somebody would start a worker again that ends because the broker is away."""
    while True:
        with contextlib.suppress(BrokerUnavailable):
            return await stack.enter_async_context(Publisher())
        await asyncio.sleep(_PAUSE_SECONDS)


async def _main() -> None:
    await Worker(Folder.of(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])).run()


if __name__ == "__main__":
    uvloop.run(_main())
