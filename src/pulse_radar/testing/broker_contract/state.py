"""State topics: the newest event of each key, deletions, what time takes away, and what has no room."""

import asyncio

import msgspec
import pytest

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.errors import BrokerRefused, InvalidEvent, OutcomeUnknown, SequenceConflict, TopicFull
from pulse_radar.protocol.codec import DELETION, decode_server
from pulse_radar.protocol.frames import EventFrame, GapReason
from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from pulse_radar.testing.broker_contract.laboratory import Fault, Laboratory
from pulse_radar.testing.broker_contract.ledger import ids, numbers
from pulse_radar.testing.broker_contract.watcher import PATIENCE_SECONDS, Watcher, draft

__all__ = ["StateContract", "StateReader", "deletion"]

_BRIEF = StateTopic("jobs", ttl_seconds=1.0, deletions_kept_seconds=2.0)


def deletion(topic: str, event_id: str, *, key: str) -> Draft:
    return Draft(topic, DELETION.name, bytes(DELETION.data), event_id, key, is_deletion=True)


class StateReader:
    """Somebody who reads a state topic, holding it to its laws; `map` is what they believe.

    Raises: AssertionError, for the first entry that breaks one.
    """

    def __init__(self) -> None:
        self.map: dict[str, int] = {}
        self.resets = 0
        self._position = 0
        self._newest: dict[str, int] = {}

    def take(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.first is None:
                self.map.clear()
                self._newest.clear()
                self.resets += 1
            else:
                assert entry.last > self._position, f"{entry} goes back behind {self._position}"
            self._position = entry.last
            if isinstance(entry, StoredEvent):
                self._take_event(entry)

    def _take_event(self, event: StoredEvent) -> None:
        assert event.key is not None, "an event of a state topic is about a key"
        assert event.sequence > self._newest.get(event.key, 0), f"{event} is older than what is known"
        self._newest[event.key] = event.sequence
        if event.is_deletion:
            self.map.pop(event.key, None)
        else:
            self.map[event.key] = event.sequence


async def state_of(broker: Broker, topic: str) -> dict[str, int]:
    """What a reader who begins now believes."""
    reader = StateReader()
    after = 0
    while True:
        page = await broker.read(topic, after=after, limit=3)
        reader.take(list(page.entries))
        if page.end >= page.extent.last:
            return reader.map
        after = page.end


async def _until_deleted(watcher: Watcher, key: str) -> StoredEvent:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            for entry in watcher.entries:
                if isinstance(entry, StoredEvent) and entry.is_deletion and entry.key == key:
                    return entry
            await asyncio.sleep(0.02)


async def _until_forgotten(broker: Broker, topic: str, sequence: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await broker.extent(topic)).first <= sequence:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.05)


class StateContract:
    async def test_the_newest_event_of_each_key_is_kept(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            await broker.store(draft("jobs", "a1", key="a"))
            b = await broker.store(draft("jobs", "b1", key="b"))
            a = await broker.store(draft("jobs", "a2", key="a"))
            page = await broker.read("jobs", after=0, limit=10)
            assert ids(page.entries) == ["b1", "a2"]
            assert numbers(page.entries) == [b, a] == [a - 1, a]
            assert page.end == a
            assert numbers((await broker.read("jobs", after=0, limit=10, key="b")).entries) == [b]

    async def test_a_reader_that_was_away_gets_the_keys_that_changed(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            stored = [await broker.store(draft("jobs", f"{n}", key=f"k{n % 4}")) for n in range(20)]
            page = await broker.read("jobs", after=stored[17], limit=10)
            assert numbers(page.entries) == stored[18:]
            first = await broker.read("jobs", after=stored[3], limit=2)
            assert [entry.last for entry in first.entries][-1] == first.end == stored[17]
            assert first.entries[0] == Gap(stored[4], stored[15], GapReason.EXPIRED)

    async def test_pages_join_to_the_whole_state(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            newest = {}
            for number in range(40):
                key = f"k{number * 7 % 11}"
                newest[key] = await broker.store(draft("jobs", f"{number}", key=key))
            assert await state_of(broker, "jobs") == newest

    async def test_a_tail_brings_all_that_is_there_and_all_that_comes(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([StateTopic("jobs")])
            await other.declare([StateTopic("jobs")])
            await broker.store(draft("jobs", "a1", key="a"))
            begun = await broker.store(draft("jobs", "a2", key="a"))
            async with Watcher(other, "jobs", 0) as watcher:
                await watcher.reaches(begun)
                later = [await broker.store(draft("jobs", f"b{n}", key="b")) for n in range(5)]
                entries = await watcher.reaches(later[-1])
            assert ids(entries)[0] == "a2"
            assert Gap(None, begun, GapReason.RESET) not in entries
            reader = StateReader()
            reader.take(entries)
            assert reader.map == {"a": begun, "b": later[-1]}
            assert reader.resets == 0

    async def test_a_deletion_is_told_in_its_place(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            a = await broker.store(draft("jobs", "a1", key="a"))
            b = await broker.store(draft("jobs", "b1", key="b"))
            gone = await broker.store(deletion("jobs", "a-gone", key="a"))
            assert gone == b + 1
            page = await broker.read("jobs", after=a, limit=10)
            entry = page.entries[-1]
            assert isinstance(entry, StoredEvent)
            assert (entry.sequence, entry.key, entry.is_deletion) == (gone, "a", True)
            frame = decode_server(entry.text)
            assert isinstance(frame, EventFrame)
            assert (frame.key, frame.sequence, frame.deleted, frame.data) == ("a", gone, True, {})
            assert frame.id == "a-gone"
            assert await state_of(broker, "jobs") == {"b": b}
            again = await broker.store(draft("jobs", "a2", key="a"))
            assert await state_of(broker, "jobs") == {"b": b, "a": again}

    async def test_deleting_what_is_not_there_is_no_error(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            gone = await broker.store(deletion("jobs", "gone", key="never"))
            assert await broker.store(deletion("jobs", "gone", key="never")) == gone
            assert await state_of(broker, "jobs") == {}

    async def test_a_key_that_is_not_renewed_is_deleted(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([_BRIEF])
            async with Watcher(broker, "jobs", 0) as watcher:
                stored = await broker.store(draft("jobs", "a1", key="a"))
                gone = await _until_deleted(watcher, "a")
            assert gone.sequence > stored
            frame = decode_server(gone.text)
            assert isinstance(frame, EventFrame)
            assert (frame.name, frame.deleted, frame.key) == (DELETION.name, True, "a")
            assert await state_of(broker, "jobs") == {}

    async def test_an_event_may_have_a_shorter_life_of_its_own(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs", ttl_seconds=3_600)])
            async with Watcher(broker, "jobs", 0) as watcher:
                brief = msgspec.structs.replace(draft("jobs", "a1", key="a"), ttl_seconds=1.0)
                await broker.store(brief)
                b = await broker.store(draft("jobs", "b1", key="b"))
                await _until_deleted(watcher, "a")
            assert await state_of(broker, "jobs") == {"b": b}

    async def test_a_renewed_key_lives_on(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([_BRIEF])
            async with Watcher(broker, "jobs", 0) as watcher:
                await broker.store(draft("jobs", "b1", key="b"))
                number = newest = 0
                while not any(isinstance(e, StoredEvent) and e.is_deletion for e in watcher.entries):
                    number += 1
                    newest = await broker.store(draft("jobs", f"a{number}", key="a"))
                    await asyncio.sleep(0.1)
                gone = await _until_deleted(watcher, "b")
            assert gone.key == "b"
            assert (await state_of(broker, "jobs"))["a"] == newest

    async def test_who_was_away_for_longer_than_deletions_are_remembered_begins_anew(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs", deletions_kept_seconds=1.0)])
            a = await broker.store(draft("jobs", "a1", key="a"))
            b = await broker.store(draft("jobs", "b1", key="b"))
            gone = await broker.store(deletion("jobs", "a-gone", key="a"))
            c = await broker.store(draft("jobs", "c1", key="c"))
            await _until_forgotten(broker, "jobs", gone)
            extent = await broker.extent("jobs")
            page = await broker.read("jobs", after=a, limit=10)
            assert page.entries[0] == Gap(None, extent.origin - 1, GapReason.RESET)
            assert numbers(page.entries) == [b, c]
            async with Watcher(broker, "jobs", a) as watcher:
                reader = StateReader()
                reader.take(await watcher.reaches(c))
            assert reader.resets == 1
            assert reader.map == {"b": b, "c": c}
            # Who has seen the deletion has missed nothing.
            up_to_date = await broker.read("jobs", after=c, limit=10)
            assert up_to_date.entries == ()

    async def test_a_cursor_of_another_stream_begins_anew(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            a = await broker.store(draft("jobs", "a1", key="a"))
            for foreign in (7, a + 1_000):
                page = await broker.read("jobs", after=foreign, limit=10)
                assert page.entries[0] == Gap(None, a - 1, GapReason.RESET)
                assert numbers(page.entries) == [a]

    async def test_an_empty_state_reads_as_an_empty_page(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            page = await broker.read("jobs", after=0, limit=10)
            assert page.entries == ()
            assert page.end == page.extent.last == page.extent.first - 1

    async def test_a_topic_with_enough_keys_takes_no_new_one(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs", max_keys=3)])
            for number in range(3):
                await broker.store(draft("jobs", f"{number}", key=f"k{number}"))
            with pytest.raises(TopicFull, match="jobs"):
                await broker.store(draft("jobs", "one-more", key="k3"))
            renewed = await broker.store(draft("jobs", "renewed", key="k1"))
            assert (await state_of(broker, "jobs"))["k1"] == renewed

    async def test_a_topic_with_enough_bytes_takes_no_more(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs", max_bytes=20_000)])
            data = b'"' + b"x" * 9_000 + b'"'
            await broker.store(draft("jobs", "0", key="k0", data=data))
            with pytest.raises(TopicFull, match="jobs"):
                await asyncio.gather(
                    *(broker.store(draft("jobs", f"{n}", key=f"k{n}", data=data)) for n in range(1, 4))
                )
            await broker.store(draft("jobs", "smaller", key="k0"))

    async def test_expect_last_speaks_of_the_key_and_its_deletion(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            first = await broker.store(draft("jobs", "a1", key="a"), expect_last=0)
            with pytest.raises(SequenceConflict):
                await broker.store(draft("jobs", "a2", key="a"), expect_last=0)
            gone = await broker.store(deletion("jobs", "a-gone", key="a"), expect_last=first)
            with pytest.raises(SequenceConflict):
                await broker.store(draft("jobs", "a3", key="a"), expect_last=0)
            assert await broker.store(draft("jobs", "a3", key="a"), expect_last=gone) == gone + 1

    async def test_a_repeated_id_is_stored_once_though_it_was_superseded(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            first = await broker.store(draft("jobs", "same", key="a"))
            second = await broker.store(draft("jobs", "other", key="a"))
            assert await broker.store(draft("jobs", "same", key="a")) == first
            assert (await broker.extent("jobs")).last == second
            assert await broker.find(draft("jobs", "other", key="a"), after=0, age_seconds=1) == second

    async def test_of_what_may_have_been_superseded_it_is_not_said_that_it_was_not_stored(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            before = await broker.store(draft("jobs", "a1", key="a"))
            lost = draft("jobs", "a2", key="a")
            assert await broker.find(lost, after=before, age_seconds=1) is None
            assert await broker.find(draft("jobs", "b1", key="b"), after=before, age_seconds=1) is None
            await broker.store(draft("jobs", "a3", key="a"))
            with pytest.raises(OutcomeUnknown, match="superseded"):
                await broker.find(lost, after=before, age_seconds=1)

    async def test_what_makes_no_sense_is_refused(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs"), LogTopic("tasks")])
            with pytest.raises(InvalidEvent, match="key"):
                await broker.store(draft("jobs", "about-nothing"))
            with pytest.raises(InvalidEvent, match="log"):
                await broker.store(deletion("tasks", "gone", key="a"))
            brief = msgspec.structs.replace(draft("tasks", "brief", key="a"), ttl_seconds=5.0)
            with pytest.raises(InvalidEvent, match="log"):
                await broker.store(brief)
            assert (await broker.extent("tasks")).last == (await broker.extent("tasks")).origin - 1

    async def test_a_topic_does_not_become_of_the_other_kind_by_itself(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks"), StateTopic("jobs")])
            a = await broker.store(draft("jobs", "a1", key="a"))
            with pytest.raises(BrokerRefused, match="tasks"):
                await broker.declare([StateTopic("tasks")])
            with pytest.raises(BrokerRefused, match="jobs"):
                await broker.declare([LogTopic("jobs")])
            assert await state_of(broker, "jobs") == {"a": a}

    async def test_a_replaced_topic_is_empty_and_numbers_on(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            old = await broker.store(draft("tasks", "1", key="a"))
            async with Watcher(broker, "tasks", 0) as watcher:
                await watcher.reaches(old)
                await broker.replace(LogTopic("tasks"))
                new = await broker.store(draft("tasks", "2", key="a"))
                entries = await watcher.reaches(new)
            assert new > old
            assert any(entry.first is None for entry in entries), "nobody was told"
            await broker.replace(StateTopic("tasks"))
            a = await broker.store(draft("tasks", "3", key="a"))
            assert a > new
            assert await state_of(broker, "tasks") == {"a": a}

    async def test_declaring_again_keeps_the_state(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs", max_keys=2)])
            a = await broker.store(draft("jobs", "a1", key="a"))
            for narrow in (False, True):
                await broker.declare([StateTopic("jobs", max_keys=3, ttl_seconds=3_600)], narrow=narrow)
                assert await state_of(broker, "jobs") == {"a": a}

    async def test_foreign_bytes_under_a_key_are_its_end(self, laboratory: Laboratory) -> None:
        laboratory.needs(Fault.FOREIGN)
        async with laboratory.broker() as broker:
            await broker.declare([StateTopic("jobs")])
            b = await broker.store(draft("jobs", "b1", key="b"))
            async with Watcher(broker, "jobs", 0) as watcher:
                await broker.store(draft("jobs", "a1", key="a"))
                foreign = await laboratory.store_foreign("jobs", b"\xff not an event", key="a")
                reader = StateReader()
                reader.take(await watcher.reaches(foreign))
            assert reader.map == {"b": b} == await state_of(broker, "jobs")
