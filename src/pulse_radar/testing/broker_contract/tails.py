"""How a tail follows: from anywhere, in order, whatever its reader does."""

import asyncio
import contextlib

from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Gap
from pulse_radar.testing.broker_contract.laboratory import Laboratory
from pulse_radar.testing.broker_contract.ledger import Ledger, gaps, numbers
from pulse_radar.testing.broker_contract.watcher import PATIENCE_SECONDS, Publishing, Watcher

__all__ = ["TailContract"]


class TailContract:
    async def test_a_tail_tells_what_was_and_what_comes(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            stored = await publishing.some(20)
            async with contextlib.AsyncExitStack() as stack:
                starts = (0, stored[0] - 1, stored[9], stored[-1])
                watchers = [await stack.enter_async_context(Watcher(other, "tasks", at)) for at in starts]
                last = (await publishing.some(20))[-1]
                for after, watcher in zip(starts, watchers, strict=True):
                    entries = await watcher.reaches(last)
                    ledger.check(entries, after=after)
                    assert gaps(entries) == []
                    assert numbers(entries) == [n for n in sorted(ledger.events) if n > after]

    async def test_order_holds_while_many_publish_side_by_side(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            async with Watcher(other, "tasks", 0) as watcher:
                await asyncio.gather(
                    Publishing(broker, "tasks", ledger, name="one").at_once(500),
                    Publishing(other, "tasks", ledger, name="two").at_once(500),
                )
                entries = await watcher.reaches(ledger.last)
            ledger.check(entries, after=0)
            assert numbers(entries) == sorted(ledger.events)

    async def test_topics_do_not_mix(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks"), LogTopic("tasks-of-others")])
            tasks, others = Ledger(), Ledger()
            async with (
                Watcher(broker, "tasks", 0) as watcher,
                Watcher(broker, "tasks-of-others", 0) as watcher_of_others,
            ):
                await asyncio.gather(
                    Publishing(broker, "tasks", tasks, name="one").some(50),
                    Publishing(broker, "tasks-of-others", others, name="two").some(50, key="a"),
                )
                tasks.check(await watcher.reaches(tasks.last), after=0)
                others.check(await watcher_of_others.reaches(others.last), after=0)

    async def test_a_tail_far_behind_catches_up_while_publishing_goes_on(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            first = min(await publishing.at_once(3_000))
            async with publishing.meanwhile(), Watcher(other, "tasks", first) as watcher:
                await watcher.reaches(max(ledger.events))
                await asyncio.sleep(0.2)
                now = ledger.last
                ledger.check(await watcher.reaches(now), after=first)

    async def test_a_reader_that_pauses_loses_nothing(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            await publishing.one()
            tail = other.tail("tasks", after=0)
            entries: list[Entry] = []
            async with asyncio.timeout(PATIENCE_SECONDS):
                entries += await anext(tail)
                await publishing.at_once(3_000)
                while entries[-1].last < ledger.last:
                    entries += await anext(tail)
            ledger.check(entries, after=0)
            assert gaps(entries) == []

    async def test_a_tail_behind_what_is_kept_is_told_the_gap(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=10)])
            ledger = Ledger()
            stored = await Publishing(broker, "tasks", ledger).some(25)
            async with Watcher(broker, "tasks", stored[2]) as watcher:
                entries = await watcher.reaches(stored[-1])
            ledger.check(entries, after=stored[2])
            assert entries[0] == Gap(stored[3], stored[14], GapReason.EXPIRED)

    async def test_a_tail_at_a_position_of_another_stream_is_told_a_reset(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            stored = await Publishing(broker, "tasks", ledger).some(3)
            async with Watcher(broker, "tasks", 7) as watcher:
                entries = await watcher.reaches(stored[-1])
            ledger.check(entries, after=7)
            assert entries[0] == Gap(None, stored[0] - 1, GapReason.RESET)

    async def test_a_cancelled_tail_leaves_the_broker_at_work(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            for _ in range(3):
                async with Watcher(broker, "tasks", 0) as watcher:
                    await watcher.reaches(await publishing.one())
                    ledger.check(watcher.entries, after=0)

    async def test_a_closed_broker_leaves_nothing_running(self, laboratory: Laboratory) -> None:
        before = asyncio.all_tasks()
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            stored = await Publishing(broker, "tasks", Ledger()).some(3)
            async with Watcher(broker, "tasks", 0) as watcher:
                await watcher.reaches(stored[-1])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while left := asyncio.all_tasks() - before:
                await asyncio.wait(left)
