"""How history is read: in pages, of a key, with every hole named; and how it ends."""

import asyncio

from msgspec.structs import replace

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.frames import EventFrame, GapReason
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from pulse_radar.testing.broker_contract.laboratory import Laboratory
from pulse_radar.testing.broker_contract.ledger import Ledger, numbers
from pulse_radar.testing.broker_contract.watcher import PATIENCE_SECONDS, Publishing, draft

__all__ = ["HistoryContract"]


async def read_all(broker: Broker, *, after: int, limit: int, key: str | None = None) -> list[Entry]:
    """Page through the topic up to its end, as a replay does."""
    entries: list[Entry] = []
    while True:
        page = await broker.read("tasks", after=after, limit=limit, key=key)
        assert len(numbers(page.entries)) <= limit
        entries += page.entries
        if page.end >= page.extent.last:
            return entries
        assert page.end > after, "a page that says nothing"
        after = page.end


class HistoryContract:
    async def test_an_event_is_read_as_the_frame_that_clients_get(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            event = draft("tasks", "the-id", key="a", data=b'{"n":[1,2.5,"\xc3\xa9"]}')
            sequence = await broker.store(event)
            [entry] = (await broker.read("tasks", after=0, limit=10)).entries
            assert isinstance(entry, StoredEvent)
            assert (entry.sequence, entry.key) == (sequence, "a")
            data: JsonValue = {"n": [1, 2.5, "é"]}
            assert decode_server(entry.text) == EventFrame(
                "tasks", event.name, data, sequence, "a", "the-id", event.timestamp_ms
            )

    async def test_the_newest_event_of_a_key_is_what_the_next_one_expects(
        self, laboratory: Laboratory
    ) -> None:
        async with laboratory.broker() as broker, laboratory.broker() as other:
            await broker.declare([LogTopic("tasks"), StateTopic("states")])
            for topic in ("tasks", "states"):
                assert await other.newest(topic, "a") is None
                await broker.store(draft(topic, "1", key="a"))
                expected = await broker.store(draft(topic, "2", key="a"))
                await broker.store(draft(topic, "3", key="b"))
                found = await other.newest(topic, "a")
                assert found is not None
                assert (found.sequence, found.key, found.is_deletion) == (expected, "a", False)
                last = await broker.store(draft(topic, "4", key="a"), expect_last=found.sequence)
                assert (await other.newest(topic, "a") or found).sequence == last
            deletion = replace(draft("states", "5", key="a"), is_deletion=True)
            deleted = await broker.store(deletion)
            found = await other.newest("states", "a")
            assert found is not None
            assert (found.sequence, found.is_deletion) == (deleted, True)
            await broker.store(draft("states", "6", key="a"), expect_last=deleted)

    async def test_pages_join_without_a_hole_or_a_repeat(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            ledger = Ledger()
            stored = await Publishing(broker, "tasks", ledger).some(50)
            for after in (0, stored[0] - 1, stored[10], stored[-1]):
                for limit in (1, 7, 50, 100):
                    entries = await read_all(broker, after=after, limit=limit)
                    assert numbers(entries) == [number for number in stored if number > after]
                    ledger.check(entries, after=after)

    async def test_a_page_is_at_most_as_long_as_asked(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            stored = await Publishing(broker, "tasks", Ledger()).some(10)
            page = await broker.read("tasks", after=stored[1], limit=3)
            assert numbers(page.entries) == stored[2:5]
            assert page.end == stored[4]
            assert page.extent.last == stored[-1]

    async def test_a_gap_before_a_page_takes_no_place_of_an_event(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=10)])
            stored = await Publishing(broker, "tasks", Ledger()).some(15)
            page = await broker.read("tasks", after=stored[0], limit=3)
            assert page.entries[0] == Gap(stored[1], stored[4], GapReason.EXPIRED)
            assert numbers(page.entries) == stored[5:8]
            assert page.end == stored[7]

    async def test_an_empty_topic_reads_as_an_empty_page(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            page = await broker.read("tasks", after=0, limit=10)
            assert page.entries == ()
            assert page.end == page.extent.last

    async def test_the_history_of_a_key_is_read_alone(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            publishing = Publishing(broker, "tasks", Ledger())
            stored = {key: [] for key in ("a", "b", None)}  # type: dict[str | None, list[int]]
            for number in range(30):
                key = ("a", "b", None)[number % 3]
                stored[key].append(await publishing.one(key=key))
            for key in ("a", "b"):
                for limit in (1, 3, 100):
                    assert numbers(await read_all(broker, after=0, limit=limit, key=key)) == stored[key]
            page = await broker.read("tasks", after=stored["a"][4], limit=100, key="a")
            assert numbers(page.entries) == stored["a"][5:]
            assert page.end == page.extent.last
            nobody = await broker.read("tasks", after=0, limit=100, key="nobody")
            assert (nobody.entries, nobody.end) == ((), nobody.extent.last)

    async def test_a_cursor_of_another_stream_is_a_reset(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks")])
            stored = await Publishing(broker, "tasks", Ledger()).some(3)
            for foreign in (7, stored[-1] + 1_000):
                page = await broker.read("tasks", after=foreign, limit=10)
                assert page.entries[0] == Gap(None, stored[0] - 1, GapReason.RESET)
                assert numbers(page.entries) == stored

    async def test_what_is_beyond_the_number_kept_is_a_gap(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=10)])
            stored = await Publishing(broker, "tasks", Ledger()).some(25)
            page = await broker.read("tasks", after=stored[4], limit=100)
            assert page.entries[0] == Gap(stored[5], stored[14], GapReason.EXPIRED)
            assert numbers(page.entries) == stored[15:]
            assert page.extent.first == stored[15]
            at_the_edge = await broker.read("tasks", after=stored[14], limit=100)
            assert numbers(at_the_edge.entries) == stored[15:] == [e.last for e in at_the_edge.entries]

    async def test_what_is_beyond_the_number_kept_is_a_gap_for_a_key(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", retain=10)])
            publishing = Publishing(broker, "tasks", Ledger())
            early = await publishing.some(5, key="a")
            others = await publishing.some(9, key="b")
            late = await publishing.one(key="a")
            page = await broker.read("tasks", after=early[0], limit=100, key="a")
            assert page.entries[0] == Gap(early[1], others[0] - 1, GapReason.EXPIRED)
            assert numbers(page.entries) == [late]

    async def test_what_is_beyond_the_bytes_kept_is_gone(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", max_bytes=50_000)])
            data = b'"' + b"x" * 10_000 + b'"'
            stored = [await broker.store(draft("tasks", str(n), data=data)) for n in range(20)]
            extent = await broker.extent("tasks")
            assert extent.last == stored[-1]
            assert stored[-6] < extent.first < stored[-1]

    async def test_what_is_older_than_kept_is_a_gap(self, laboratory: Laboratory) -> None:
        async with laboratory.broker() as broker:
            await broker.declare([LogTopic("tasks", max_age_seconds=1.0)])
            publishing = Publishing(broker, "tasks", Ledger())
            stored = await publishing.some(3)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await broker.extent("tasks")).first <= stored[-1]:  # noqa: ASYNC110  # nobody tells
                    await asyncio.sleep(0.05)
            page = await broker.read("tasks", after=stored[0], limit=10)
            assert page.entries == (Gap(stored[1], stored[-1], GapReason.EXPIRED),)
            # The numbering goes on where it was.
            assert await publishing.one() == stored[-1] + 1
