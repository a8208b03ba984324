"""State topics under accidents: when things come to rest, everybody believes what the broker holds."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from itertools import count

import msgspec

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.brokers.topic_spec import StateTopic
from pulse_radar.testing.broker_contract.laboratory import Fault, Laboratory
from pulse_radar.testing.broker_contract.state import StateReader, deletion, state_of
from pulse_radar.testing.broker_contract.watcher import PATIENCE_SECONDS, Watcher, draft

__all__ = ["StateFaultContract"]

_KEYS = 12
_PAUSE_SECONDS = 0.002


class _Changing:
    """Changes and deletes keys at random through whatever happens, and notes what was acknowledged."""

    def __init__(self, broker: Broker, *, seed: int) -> None:
        self._queue = PublishQueue(
            broker, limit=10_000, deadline_seconds=PATIENCE_SECONDS, max_event_bytes=1_000_000
        )
        self._random = random.Random(seed)  # noqa: S311  # not a secret
        self._numbers = count()
        # Of each key its newest acknowledged number, and whether that is its deletion.
        self.newest: dict[str, tuple[int, bool]] = {}

    @property
    def expected(self) -> dict[str, int]:
        return {key: sequence for key, (sequence, is_deletion) in self.newest.items() if not is_deletion}

    async def one(self) -> int:
        event = self._next()
        assert event.key is not None
        sequence = await self._queue.publish(event)
        self.newest[event.key] = max(self.newest.get(event.key, (0, False)), (sequence, event.is_deletion))
        return sequence

    @contextlib.asynccontextmanager
    async def meanwhile(self) -> AsyncIterator[None]:
        ended = asyncio.Event()
        task = asyncio.create_task(self._until(ended))
        try:
            yield
        finally:
            ended.set()
            await task

    async def _until(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.one()
            await asyncio.sleep(_PAUSE_SECONDS)

    def _next(self) -> Draft:
        key, event_id = f"k{self._random.randrange(_KEYS)}", f"change-{next(self._numbers)}"
        if self._random.random() < 0.3:
            return deletion("jobs", event_id, key=key)
        return draft("jobs", event_id, key=key)


class StateFaultContract:
    async def test_a_killed_server_leaves_everybody_with_the_state(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.KILLED)
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([StateTopic("jobs")])
            changing = _Changing(broker, seed=7)
            async with Watcher(other, "jobs", 0) as watcher:
                async with changing.meanwhile():
                    for _ in range(4):
                        await asyncio.sleep(0.2)
                        await laboratory.kill_server()
                        await laboratory.start_server()
                await self._all_believe(broker, changing, watcher)

    async def test_a_link_cut_for_seconds_leaves_everybody_with_the_state(
        self, laboratory: Laboratory
    ) -> None:
        laboratory.needs(Fault.LINK)
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([StateTopic("jobs")])
            changing = _Changing(broker, seed=8)
            async with Watcher(other, "jobs", 0) as watcher:
                async with changing.meanwhile():
                    for seconds in (0.0, 1.0):
                        await asyncio.sleep(0.2)
                        laboratory.cut_link()
                        await asyncio.sleep(seconds)
                        laboratory.mend_link()
                await self._all_believe(broker, changing, watcher)

    async def test_a_key_whose_time_ran_out_while_the_server_was_dead_is_deleted(
        self, laboratory: Laboratory
    ) -> None:
        laboratory.needs(Fault.KILLED)
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            b = await broker.store(draft("jobs", "b1", key="b"))
            brief = msgspec.structs.replace(draft("jobs", "a1", key="a"), ttl_seconds=1.0)
            a = await broker.store(brief)
            async with Watcher(broker, "jobs", 0) as watcher:
                await watcher.reaches(a)
                await laboratory.kill_server()
                await asyncio.sleep(1.5)
                await laboratory.start_server()
                reader = StateReader()
                reader.take(await watcher.reaches(a + 1))
            assert reader.map == {"b": b} == await state_of(broker, "jobs")

    async def _all_believe(self, broker: Broker, changing: _Changing, watcher: Watcher) -> None:
        """The broker, who followed all the time, and who comes now: the same, and what was acknowledged."""
        last = await changing.one()
        reader = StateReader()
        reader.take(await watcher.reaches(last))
        assert reader.resets == 0
        assert reader.map == changing.expected == await state_of(broker, "jobs")
