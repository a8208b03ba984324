"""How events are numbered, recognised, found and refused."""

import asyncio
import time

import pytest

from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.errors import BrokerRefused, OutcomeUnknown, SequenceConflict, TopicMissing
from pulse_radar.stream.entry import Extent
from pulse_radar.testing.broker_contract.laboratory import Laboratory
from pulse_radar.testing.broker_contract.ledger import ids, numbers
from pulse_radar.testing.broker_contract.watcher import PATIENCE_SECONDS, draft

__all__ = ["StoringContract"]


class StoringContract:
    async def test_numbers_start_at_the_microsecond_of_creation_and_count_by_one(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            extent = await broker.extent("tasks")
            assert abs(extent.origin / 1_000_000 - time.time()) < PATIENCE_SECONDS
            assert (extent.first, extent.last) == (extent.origin, extent.origin - 1)
            stored = [await broker.store(draft("tasks", str(number))) for number in range(3)]
            assert stored == [extent.origin, extent.origin + 1, extent.origin + 2]
            assert await broker.extent("tasks") == Extent(extent.origin, stored[0], stored[-1])

    async def test_events_stored_side_by_side_get_each_a_number_of_its_own(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            drafts = [draft("tasks", str(number)) for number in range(200)]
            stored = await asyncio.gather(
                *(broker.store(event) for event in drafts[:100]),
                *(other.store(event) for event in drafts[100:]),
            )
            assert sorted(stored) == list(range(min(stored), min(stored) + 200))

    async def test_the_same_id_is_stored_once_and_answers_the_first_number(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            first = await broker.store(draft("tasks", "same"))
            assert await other.store(draft("tasks", "same")) == first
            assert await broker.store(draft("tasks", "same", data=b'"other"')) == first
            assert (await broker.extent("tasks")).last == first

    async def test_expect_last_stores_only_after_the_newest_of_the_key(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            first = await broker.store(draft("tasks", "a1", key="a"), expect_last=0)
            await broker.store(draft("tasks", "b1", key="b"), expect_last=0)
            second = await broker.store(draft("tasks", "a2", key="a"), expect_last=first)
            for wrong in (0, first, second + 1):
                with pytest.raises(SequenceConflict):
                    await broker.store(draft("tasks", f"a3-{wrong}", key="a"), expect_last=wrong)
            assert (await broker.extent("tasks")).last == second

    async def test_expect_last_without_a_key_looks_at_the_events_without_one(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            await broker.store(draft("tasks", "a1", key="a"))
            first = await broker.store(draft("tasks", "1"), expect_last=0)
            await broker.store(draft("tasks", "a2", key="a"))
            assert await broker.store(draft("tasks", "2"), expect_last=first) == first + 2

    async def test_a_repeated_id_is_no_conflict(self, laboratory: Laboratory) -> None:
        """A retry of an event that expected a number must get that event's own."""
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            event = draft("tasks", "a1", key="a")
            first = await broker.store(event, expect_last=0)
            assert await broker.store(event, expect_last=0) == first

    async def test_of_many_who_expect_the_same_number_one_wins(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            results = await asyncio.gather(
                *(broker.store(draft("tasks", str(n), key="a"), expect_last=0) for n in range(20)),
                return_exceptions=True,
            )
            assert sum(isinstance(result, int) for result in results) == 1
            assert sum(isinstance(result, SequenceConflict) for result in results) == 19

    async def test_what_is_stored_together_is_stored_in_a_row_or_not_at_all(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks")])
            batches = [[draft("tasks", f"{batch}-{n}", key="a") for n in range(20)] for batch in range(10)]
            lasts = await asyncio.gather(
                *(broker.store_together(batch) for batch in batches[:5]),
                *(other.store_together(batch) for batch in batches[5:]),
            )
            page = await broker.read("tasks", after=0, limit=1_000)
            assert dict(zip(ids(page.entries), numbers(page.entries), strict=True)) == {
                event.id: last - len(batch) + place
                for batch, last in zip(batches, lasts, strict=True)
                if last is not None
                for place, event in enumerate(batch, 1)
            }

    async def test_together_with_an_event_that_is_there_nothing_is_stored(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            known = await broker.store(draft("tasks", "2"))
            assert await broker.store_together([draft("tasks", str(n)) for n in range(4)]) is None
            assert (await broker.extent("tasks")).last == known

    async def test_an_event_is_found_by_its_id_after_a_position(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            stored = {n: await broker.store(draft("tasks", f"id-{n}")) for n in range(10)}
            seventh, never = draft("tasks", "id-7"), draft("tasks", "never")
            assert await broker.find(seventh, after=0, age_seconds=1) == stored[7]
            assert await broker.find(seventh, after=stored[6], age_seconds=1) == stored[7]
            assert await broker.find(seventh, after=stored[7], age_seconds=1) is None
            assert await broker.find(never, after=0, age_seconds=1) is None

    async def test_of_what_may_be_no_longer_kept_it_is_not_said_that_it_was_not_stored(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=5)])
            stored = [await broker.store(draft("tasks", f"id-{n}")) for n in range(10)]
            with pytest.raises(OutcomeUnknown, match="no longer kept"):
                await broker.find(draft("tasks", "id-1"), after=stored[0], age_seconds=1)
            # What is kept goes back to that position: nothing is missing that it could be.
            assert await broker.find(draft("tasks", "never"), after=stored[4], age_seconds=1) is None

    async def test_declaring_again_keeps_events_and_changes_what_is_kept(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=100)])
            origin = (await broker.extent("tasks")).origin
            stored = [await broker.store(draft("tasks", str(number))) for number in range(10)]
            await broker.declare([LogTopic("tasks", retain=100), LogTopic("jobs")])
            assert (await broker.extent("tasks")).origin == origin
            await broker.declare([LogTopic("tasks", retain=4)], narrow=True)
            page = await broker.read("tasks", after=0, limit=100)
            assert numbers(page.entries) == stored[-4:]
            assert ids(page.entries) == ["6", "7", "8", "9"]

    async def test_a_narrower_bound_is_told_and_deletes_nothing_until_it_is_meant(
        self, laboratory: Laboratory, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=5_000)])
            stored = [await broker.store(draft("tasks", str(number))) for number in range(10)]
            await broker.declare([LogTopic("tasks", retain=4, max_age_seconds=60, max_bytes=1024**2)])
            for words in (
                "retain 4 and kept with 5,000",
                "max_age 60 s and kept with 604,800 s",
                "max_bytes",
            ):
                assert words in caplog.text
            stored += [await broker.store(draft("tasks", str(number))) for number in range(10, 20)]
            assert numbers((await broker.read("tasks", after=0, limit=100)).entries) == stored

    async def test_a_declaration_that_is_refused_changes_nothing(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks"), StateTopic("jobs")])
            stored = [await broker.store(draft("tasks", str(number))) for number in range(10)]
            with pytest.raises(BrokerRefused, match="jobs"):
                await broker.declare(
                    [LogTopic("tasks", retain=4), LogTopic("new"), LogTopic("jobs")], narrow=True
                )
            assert numbers((await broker.read("tasks", after=0, limit=100)).entries) == stored
            with pytest.raises(TopicMissing):
                await broker.extent("new")

    async def test_two_processes_may_declare_at_once(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            topics = [LogTopic(f"topic-{number}") for number in range(5)]
            await asyncio.gather(broker.declare(topics), other.declare(topics))
            first = await broker.store(draft("topic-3", "1"))
            assert await other.store(draft("topic-3", "2")) == first + 1

    async def test_a_topic_that_nobody_declared_is_missing(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            with pytest.raises(TopicMissing, match="nowhere"):
                await broker.store(draft("nowhere", "1"))
            with pytest.raises(TopicMissing, match="nowhere"):
                await broker.extent("nowhere")
            with pytest.raises(TopicMissing, match="nowhere"):
                await broker.read("nowhere", after=0, limit=1)
            with pytest.raises(TopicMissing, match="nowhere"):
                await broker.find(draft("nowhere", "1"), after=0, age_seconds=1)
            with pytest.raises(TopicMissing, match="nowhere"):
                await broker.recognises("nowhere", after=0, age_seconds=1)
