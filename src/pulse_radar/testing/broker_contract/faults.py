"""What no accident may do: lose an event without a word, deliver one twice, or turn the order around."""

import asyncio
import contextlib
import itertools
from typing import Final

import pytest

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.protocol.frames import GapReason
from pulse_radar.testing.broker_contract.laboratory import Fault, Laboratory
from pulse_radar.testing.broker_contract.ledger import Ledger, gaps, ids, numbers
from pulse_radar.testing.broker_contract.watcher import PATIENCE_SECONDS, Publishing, Watcher, draft

__all__ = ["FaultContract"]

# What other programs may put into a topic: nothing, no JSON, no text, no event, and what only some can read.
_FOREIGN_BODIES: Final = (
    b"",
    b"hello",
    b"\xff\xfe",
    b'{"data":1}',
    b'{"event":"no name","data":1}',
    b'{"event":"x","data":1e999}',
    b'{"event":"x","data":' + b"[" * 66 + b"]" * 66 + b"}",
    b'{"event":"x","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
)

_TOGETHER: Final = 50


class FaultContract:
    """Of the server and of the network."""

    async def test_a_server_killed_again_and_again_loses_nothing(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.KILLED)
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with Watcher(other, "tasks", 0) as watcher:
                async with publishing.meanwhile():
                    for _ in range(4):
                        await asyncio.sleep(0.2)
                        await laboratory.kill_server()
                        await laboratory.start_server()
                await publishing.some(5)
                entries = await watcher.reaches(ledger.last)
            ledger.check(entries, after=0)
            assert gaps(entries) == []

    async def test_of_what_is_stored_together_a_killed_server_keeps_nothing_without_what_was_before_it(
        self, laboratory: Laboratory
    ) -> None:
        laboratory.needs(Fault.KILLED)
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=100_000)])
            told: dict[str, int] = {}
            for life in range(3):
                storing = asyncio.create_task(_store_together(broker, f"{life}", told))
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not (storing.done() or f"{life}-3" in told):  # noqa: ASYNC110  (it tells nobody)
                        await asyncio.sleep(0.001)
                await laboratory.kill_server()
                await laboratory.start_server()
                await storing
                await Publishing(broker, "tasks", Ledger(), name=f"after-{life}").one()
            async with Watcher(broker, "tasks", 0) as watcher:
                entries = await watcher.reaches((await broker.extent("tasks")).last)
        found = dict(zip(numbers(entries), ids(entries), strict=True))
        for number, event_id in found.items():
            batch, _, place = (event_id or "").partition(".")
            assert place in ("", "0") or found[number - 1] == f"{batch}.{int(place) - 1}"
        assert all(found[last] == f"{batch}.{_TOGETHER - 1}" for batch, last in told.items())

    async def test_a_server_away_for_longer_than_the_duplicate_window_doubles_nothing(
        self, laboratory: Laboratory
    ) -> None:
        laboratory.needs(Fault.KILLED)
        async with laboratory.broker(duplicate_window_seconds=1.0) as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(publishing.meanwhile())
                side_by_side = asyncio.create_task(publishing.at_once(100))
                await asyncio.sleep(0.02)
                await laboratory.kill_server()
                await asyncio.sleep(1.5)
                await laboratory.start_server()
                await side_by_side
            async with Watcher(broker, "tasks", 0) as watcher:
                ledger.check(await watcher.reaches(ledger.last), after=0)

    async def test_a_store_while_the_server_is_away_says_so_at_once(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.KILLED)
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            await laboratory.kill_server()
            async with asyncio.timeout(PATIENCE_SECONDS):
                with pytest.raises(BrokerUnavailable):
                    await broker.store(draft("tasks", "1"))
            await laboratory.start_server()
            # What was refused is not sent later behind the caller's back.
            stored = await Publishing(broker, "tasks", Ledger(), name="later").one()
            assert (await broker.extent("tasks")).origin == stored

    async def test_an_acknowledgement_lost_for_longer_than_the_duplicate_window_doubles_nothing(
        self, laboratory: Laboratory
    ) -> None:
        laboratory.needs(Fault.LINK)
        async with laboratory.broker(duplicate_window_seconds=1.0) as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            await publishing.some(3)
            laboratory.swallow_answers()
            waiting = asyncio.create_task(publishing.one())
            await asyncio.sleep(1.5)
            laboratory.cut_link()
            laboratory.mend_link()
            await waiting
            async with Watcher(broker, "tasks", 0) as watcher:
                ledger.check(await watcher.reaches(await publishing.one()), after=0)
            assert len(ledger.events) == 5
            assert (await broker.extent("tasks")).last == ledger.last

    async def test_a_link_cut_for_seconds_loses_nothing(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.LINK)
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with Watcher(other, "tasks", 0) as watcher:
                async with publishing.meanwhile():
                    for seconds in (0.0, 1.5):
                        await asyncio.sleep(0.2)
                        laboratory.cut_link()
                        await asyncio.sleep(seconds)
                        laboratory.mend_link()
                await publishing.some(5)
                entries = await watcher.reaches(ledger.last)
            ledger.check(entries, after=0)
            assert gaps(entries) == []

    async def test_a_stalled_link_loses_nothing(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.LINK)
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with Watcher(other, "tasks", 0) as watcher:
                async with publishing.meanwhile():
                    await asyncio.sleep(0.2)
                    laboratory.stall_link()
                    await asyncio.sleep(1.0)
                    laboratory.mend_link()
                await publishing.some(5)
                entries = await watcher.reaches(ledger.last)
            ledger.check(entries, after=0)
            assert gaps(entries) == []

    async def test_a_link_that_swallows_everything_is_given_up(self, laboratory: Laboratory) -> None:
        """Nobody is told that it is dead: the broker must find out, and connect anew."""
        laboratory.needs(Fault.LINK)
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with Watcher(broker, "tasks", 0) as watcher:
                await watcher.reaches(await publishing.one())
                laboratory.stall_link()
                waiting = asyncio.create_task(publishing.some(3))
                await asyncio.sleep(7.0)
                laboratory.mend_link()
                await waiting
                ledger.check(await watcher.reaches(ledger.last), after=0)

    async def test_foreign_bytes_are_numbered_and_told_as_unreadable(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.FOREIGN)
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            first = await publishing.one()
            async with Watcher(broker, "tasks", first) as watcher:
                foreign = [await laboratory.store_foreign("tasks", body) for body in _FOREIGN_BODIES]
                foreign.append(
                    await laboratory.store_foreign("tasks", b'{"event":"x","data":1}', key="ключ!")
                )
                last = await publishing.one()
                entries = await watcher.reaches(last)
            ledger.check(entries, after=first)
            assert {gap.reason for gap in gaps(entries)} == {GapReason.UNREADABLE}
            assert sum(gap.last - (gap.first or 0) + 1 for gap in gaps(entries)) == len(foreign)
            page = await broker.read("tasks", after=0, limit=100)
            assert numbers(page.entries) == [first, last]
            assert page.end == last


async def _store_together(broker: Broker, name: str, told: dict[str, int]) -> None:
    """Batch after batch until the server is away, and the last number of each that it took."""
    with contextlib.suppress(BrokerUnavailable):
        for number in itertools.count():
            batch = f"{name}-{number}"
            last = await broker.store_together([draft("tasks", f"{batch}.{n}") for n in range(_TOGETHER)])
            if last is None:
                return
            told[batch] = last
