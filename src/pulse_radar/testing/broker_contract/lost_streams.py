"""What is told when history was changed by somebody else, while one follows it and while one was stopped."""

import contextlib
from collections.abc import Awaitable, Callable

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Gap
from pulse_radar.testing.broker_contract.laboratory import Fault, Laboratory
from pulse_radar.testing.broker_contract.ledger import Ledger, gaps, numbers
from pulse_radar.testing.broker_contract.watcher import Publishing, Watcher

__all__ = ["LostStreamContract"]


class LostStreamContract:
    async def test_what_was_trimmed_before_a_tail_came_is_told(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.TRIMMED)
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            stored = await Publishing(broker, "tasks", ledger).some(20)
            await laboratory.trim("tasks", keep=5)
            async with Watcher(broker, "tasks", stored[2]) as watcher:
                entries = await watcher.reaches(stored[-1])
            ledger.check(entries, after=stored[2])
            assert entries[0] == Gap(stored[3], stored[14], GapReason.EXPIRED)
            page = await broker.read("tasks", after=stored[2], limit=100)
            assert page.entries[0] == Gap(stored[3], stored[14], GapReason.EXPIRED)

    async def test_a_purge_is_told_to_who_had_not_seen_it_all(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.TRIMMED)
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            stored = await Publishing(broker, "tasks", Ledger()).some(20)
            await laboratory.trim("tasks", keep=0)
            async with Watcher(broker, "tasks", stored[2]) as watcher:
                assert await watcher.reaches(stored[-1]) == [Gap(stored[3], stored[-1], GapReason.EXPIRED)]

    async def test_a_stream_made_anew_is_told_as_a_reset(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.RECREATED)
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with Watcher(other, "tasks", 0) as watcher:
                old = await publishing.some(10)
                await watcher.reaches(old[-1])
                await laboratory.delete("tasks")
                await broker.declare([LogTopic("tasks")])
                new = await publishing.some(10)
                entries = await watcher.reaches(new[-1])
            ledger.check(entries, after=0)
            assert new[0] > old[-1]
            assert gaps(entries) == [Gap(None, new[0] - 1, GapReason.RESET)]
            page = await broker.read("tasks", after=old[-1], limit=100)
            assert page.entries[0] == Gap(None, new[0] - 1, GapReason.RESET)

    async def test_a_deleted_stream_is_made_anew_by_who_declared_it(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.RECREATED)
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with Watcher(broker, "tasks", 0) as watcher:
                old = await publishing.some(3)
                await watcher.reaches(old[-1])
                await laboratory.delete("tasks")
                await watcher.reaches(old[-1] + 1)
                new = await publishing.some(3)
                ledger.check(await watcher.reaches(new[-1]), after=0)

    async def test_numbers_are_not_used_again_after_a_restore(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.SET_BACK)
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            await other.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            async with Watcher(broker, "tasks", 0) as here, Watcher(other, "tasks", 0) as there:
                await publishing.some(10)
                await laboratory.back_up()
                last = (await publishing.some(10))[-1]
                for watcher in (here, there):
                    await watcher.reaches(last)
                await laboratory.restore()
                for watcher in (here, there):
                    await watcher.reaches(last + 1)
                await publishing.some(10)
                for watcher in (here, there):
                    entries = await watcher.reaches(ledger.last)
                    ledger.check(entries, after=0)
                    assert [gap.reason for gap in gaps(entries)] == [GapReason.RESET]

    async def test_a_trim_while_a_process_was_stopped_is_told(self, laboratory: Laboratory) -> None:
        async def trim(broker: Broker) -> None:
            await laboratory.trim("tasks", keep=5)

        laboratory.needs(Fault.PROCESSES, Fault.LINK, Fault.TRIMMED)
        assert await self._told_after_a_stop(laboratory, trim) == [GapReason.EXPIRED]

    async def test_a_purge_while_a_process_was_stopped_is_told(self, laboratory: Laboratory) -> None:
        async def purge(broker: Broker) -> None:
            await laboratory.trim("tasks", keep=0)

        laboratory.needs(Fault.PROCESSES, Fault.LINK, Fault.TRIMMED)
        assert await self._told_after_a_stop(laboratory, purge) == [GapReason.EXPIRED]

    async def test_a_new_stream_while_a_process_was_stopped_is_told(self, laboratory: Laboratory) -> None:
        async def recreate(broker: Broker) -> None:
            await laboratory.delete("tasks")
            await broker.declare([LogTopic("tasks")])

        laboratory.needs(Fault.PROCESSES, Fault.LINK, Fault.RECREATED)
        assert await self._told_after_a_stop(laboratory, recreate) == [GapReason.RESET]

    async def test_two_processes_at_different_distances_both_tell_everything(
        self, laboratory: Laboratory
    ) -> None:
        laboratory.needs(Fault.PROCESSES)
        async with laboratory.broker() as broker, contextlib.AsyncExitStack() as stack:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            first = min(await publishing.at_once(500))
            start = ledger.last
            near = await stack.enter_async_context(laboratory.tail_process("tasks", start))
            far = await stack.enter_async_context(laboratory.tail_process("tasks", first))
            await far.reaches(await publishing.one())
            far.freeze()
            await publishing.at_once(1_000)
            middle = ledger.last
            await near.reaches(middle)
            far.thaw()
            async with publishing.meanwhile():
                await far.reaches(middle)
            ledger.check(await near.reaches(ledger.last), after=start)
            ledger.check(await far.reaches(ledger.last), after=first)
            assert gaps(near.entries) + gaps(far.entries) == []

    async def _told_after_a_stop(
        self, laboratory: Laboratory, accident: Callable[[Broker], Awaitable[None]]
    ) -> list[GapReason]:
        """Stop a process that follows, publish, let the accident happen, publish, and let it go on.

        It is cut off in between: what its socket already holds no accident can take from it.
        """
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            publishing = Publishing(broker, "tasks", ledger)
            first = await publishing.one()
            async with laboratory.tail_process("tasks", first - 1) as process:
                await process.reaches(await publishing.one())
                process.freeze()
                await publishing.at_once(20)
                laboratory.cut_link()
                laboratory.mend_link()
                await publishing.at_once(20)
                await accident(broker)
                seen = await publishing.some(5)
                process.thaw()
                entries = await process.reaches(seen[-1])
                ledger.check(entries, after=first - 1)
                assert numbers(entries)[-5:] == seen
                return [gap.reason for gap in gaps(entries)]
