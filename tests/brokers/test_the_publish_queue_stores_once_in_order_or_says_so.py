"""Retries without duplicates, first come first served, and clear errors: over a broker that fails on demand."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from pulse_radar.brokers.base import Draft, NotStored
from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.brokers.memory.log import MemoryLog
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import (
    BrokerUnavailable,
    EventTooLarge,
    InvalidEvent,
    NotPermitted,
    OutboxFull,
    OutcomeUnknown,
    PulseError,
    TopicMissing,
)
from pulse_radar.stream.entry import StoredEvent


class MoodyBroker(MemoryBroker):
    """A memory broker that can be away, or lose the acknowledgement of what it stored."""

    def __init__(self) -> None:
        super().__init__()
        self.error: PulseError | None = None
        self.loses_acknowledgements = False
        self.recognises_ids = True
        self.may_look = True
        self.attempts: list[str] = []
        self.searches: list[tuple[str, int]] = []

    async def store(self, draft: Draft, *, expect_last: int | None = None) -> int:
        self.attempts.append(draft.id)
        if self.error is not None:
            raise self.error
        if not self.recognises_ids:
            log = self._topics[draft.topic]
            assert isinstance(log, MemoryLog)
            log._ids.pop(draft.id, None)
        sequence = await super().store(draft, expect_last=expect_last)
        if self.loses_acknowledgements:
            self.loses_acknowledgements = False
            await asyncio.sleep(0.02)
            raise BrokerUnavailable("the acknowledgement was lost")
        return sequence

    def takes_together(self, topic: str) -> bool:
        return True

    async def store_together(self, drafts: Sequence[Draft]) -> int | None:
        return [await self.store(draft) for draft in drafts][-1]

    async def recognises(self, topic: str, *, after: int, age_seconds: float) -> bool:
        if not self.may_look:
            raise NotPermitted("these credentials may not look")
        return self.recognises_ids

    async def find(self, draft: Draft, *, after: int, age_seconds: float) -> int | None:
        self.searches.append((draft.id, after))
        return await super().find(draft, after=after, age_seconds=age_seconds)


@asynccontextmanager
async def queue_on(
    broker: MoodyBroker, *, limit: int = 100, deadline_seconds: float = 5.0
) -> AsyncIterator[PublishQueue]:
    await broker.declare([LogTopic("tasks")])
    yield PublishQueue(broker, limit=limit, deadline_seconds=deadline_seconds, max_event_bytes=1_000)


def draft(number: int, data: bytes = b"{}") -> Draft:
    return Draft("tasks", "task_done", data, f"id{number}")


async def stored_ids(broker: MemoryBroker) -> list[str]:
    page = await broker.read("tasks", after=0, limit=1_000)
    texts = [entry.text.decode() for entry in page.entries if isinstance(entry, StoredEvent)]
    return [text.split('"id":"')[1].split('"')[0] for text in texts]


async def test_publishes_that_wait_for_the_broker_are_stored_in_their_order() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        broker.error = BrokerUnavailable("away")
        waiting = [asyncio.create_task(queue.publish(draft(number))) for number in range(20)]
        await asyncio.sleep(0.1)
        assert queue.stats().waiting == 20
        broker.error = None
        sequences = await asyncio.gather(*waiting)
    assert sequences == sorted(sequences)
    assert await stored_ids(broker) == [f"id{number}" for number in range(20)]
    assert queue.stats().waiting == 0


async def test_what_goes_together_gets_numbers_in_a_row() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        first = await queue.publish(draft(0))
        together = await queue.publish_together([draft(number) for number in range(1, 4)])
        assert together == [first + 1, first + 2, first + 3]
        assert sum(queue.stats().topics["tasks"].seconds.counts) == 4


async def test_nothing_goes_together_past_those_who_wait_or_beyond_a_bound() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, limit=3) as queue:
        assert await queue.publish_together([draft(number) for number in range(4)]) == []
        assert await queue.publish_together([draft(0), draft(1, b'"' + b"x" * 2_000 + b'"')]) == []
        broker.error = BrokerUnavailable("away")
        waiting = asyncio.create_task(queue.publish(draft(0)))
        while queue.stats().retries == 0:
            await asyncio.sleep(0.001)
        broker.error = None
        assert await queue.publish_together([draft(1), draft(2)]) == []
        await waiting
    assert await stored_ids(broker) == ["id0"]


async def test_of_what_went_together_without_an_answer_it_is_said_that_nobody_knows() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        broker.error = NotStored("not connected")
        assert await queue.publish_together([draft(0), draft(1)]) == []
        broker.error = BrokerUnavailable("no answer")
        with pytest.raises(OutcomeUnknown) as unknown:
            await queue.publish_together([draft(0), draft(1)])
        assert unknown.value.event_id == "id0"
        assert queue.stats().waiting == 0


async def test_an_event_whose_acknowledgement_was_lost_is_stored_once() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        broker.loses_acknowledgements = True
        sequence = await queue.publish(draft(1))
        assert await broker.find(draft(1), after=0, age_seconds=0) == sequence
    assert await stored_ids(broker) == ["id1"]
    assert broker.attempts == ["id1", "id1"]


async def test_an_attempted_event_that_is_not_known_again_is_looked_up_before_it_is_sent_again() -> None:
    broker = MoodyBroker()
    broker.recognises_ids = False
    async with queue_on(broker) as queue:
        earlier = await queue.publish(draft(0))
        broker.loses_acknowledgements = True
        await queue.publish(draft(1))
    assert await stored_ids(broker) == ["id0", "id1"]
    assert broker.searches == [("id1", earlier)]


async def test_the_first_event_of_a_topic_is_looked_for_behind_what_was_there_before() -> None:
    broker = MoodyBroker()
    broker.recognises_ids = False
    async with queue_on(broker) as queue:
        earlier = await broker.store(draft(0))
        broker.loses_acknowledgements = True
        await queue.publish(draft(1))
    assert broker.searches == [("id1", earlier)]


async def test_where_nobody_may_look_the_outcome_of_a_lost_attempt_is_unknown() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        broker.may_look = False
        broker.loses_acknowledgements = True
        with pytest.raises(OutcomeUnknown, match="may be stored, and is not sent again: these"):
            await queue.publish(draft(1))
    assert await stored_ids(broker) == ["id1"]


async def test_what_certainly_was_not_stored_is_no_attempt() -> None:
    broker = MoodyBroker()
    broker.may_look = False
    async with queue_on(broker, deadline_seconds=0.1) as queue:
        broker.error = NotStored("away")
        with pytest.raises(BrokerUnavailable, match="was not attempted"):
            await queue.publish(draft(1))
        broker.error = None
        assert await queue.publish(draft(1))


async def test_a_full_outbox_refuses_without_an_attempt() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, limit=3) as queue:
        broker.error = BrokerUnavailable("away")
        waiting = [asyncio.create_task(queue.publish(draft(number))) for number in range(3)]
        await asyncio.sleep(0.01)
        with pytest.raises(OutboxFull, match="3 publishes already wait"):
            await queue.publish(draft(4))
        broker.error = None
        await asyncio.gather(*waiting)
    assert "id4" not in broker.attempts


async def test_at_the_deadline_the_outcome_of_an_attempt_is_unknown_and_the_error_carries_the_id() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, deadline_seconds=0.1) as queue:
        broker.error = BrokerUnavailable("away")
        with pytest.raises(OutcomeUnknown, match="id='id1'") as unknown:
            await queue.publish(draft(1))
        assert unknown.value.event_id == "id1"
        assert queue.stats().waiting == 0


async def test_a_topic_that_nobody_creates_raises_within_seconds() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, deadline_seconds=30) as queue, asyncio.timeout(10):
        broker.error = TopicMissing("nobody created it")
        with pytest.raises(TopicMissing):
            await queue.publish(draft(1))


async def test_a_topic_that_appears_meanwhile_is_waited_for() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        broker.error = TopicMissing("not yet")
        publishing = asyncio.create_task(queue.publish(draft(1)))
        await asyncio.sleep(0.05)
        broker.error = None
        await publishing
    assert await stored_ids(broker) == ["id1"]


async def test_a_refusal_is_told_at_once() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        broker.error = NotPermitted("these credentials may not")
        with pytest.raises(NotPermitted):
            await queue.publish(draft(1))
    assert broker.attempts == ["id1"]


async def test_an_event_over_the_bound_is_refused_with_what_to_do() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        with pytest.raises(EventTooLarge, match="publish a reference"):
            await queue.publish(draft(1, b'"' + b"x" * 1_000 + b'"'))
    assert broker.attempts == []


async def test_a_cancelled_publish_leaves_the_line_to_the_next() -> None:
    broker = MoodyBroker()
    async with queue_on(broker) as queue:
        broker.error = BrokerUnavailable("away")
        first = asyncio.create_task(queue.publish(draft(1)))
        second = asyncio.create_task(queue.publish(draft(2)))
        await asyncio.sleep(0.02)
        first.cancel()
        broker.error = None
        await second
    assert await stored_ids(broker) == ["id2"]
    assert queue.stats().waiting == 0


async def test_nobody_overtakes_the_line_while_it_drains() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, limit=100_000) as queue:
        broker.error = BrokerUnavailable("away")
        waiting = [asyncio.create_task(queue.publish(draft(number))) for number in range(10)]
        await asyncio.sleep(0.02)
        broker.error = None
        late: list[asyncio.Task[int]] = []
        while not all(task.done() for task in waiting):
            late.append(asyncio.create_task(queue.publish(draft(100 + len(late)))))
            await asyncio.sleep(0)
        first_late = min(await asyncio.gather(*late))
        assert max(await asyncio.gather(*waiting)) < first_late


async def test_what_waited_in_the_line_until_the_deadline_was_not_attempted() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, deadline_seconds=0.2) as queue:
        broker.error = BrokerUnavailable("away")
        first = asyncio.create_task(queue.publish(draft(0)))
        await asyncio.sleep(0)
        others = [asyncio.create_task(queue.publish(draft(number))) for number in range(1, 5)]
        outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    for number, outcome in enumerate(outcomes):
        expected = OutcomeUnknown if f"id{number}" in broker.attempts else BrokerUnavailable
        assert type(outcome) is expected
    assert type(outcomes[-1]) is BrokerUnavailable


async def test_closing_lets_everything_under_way_fail_at_once() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, deadline_seconds=60) as queue:
        broker.error = BrokerUnavailable("away")
        waiting = [asyncio.create_task(queue.publish(draft(number))) for number in range(3)]
        await asyncio.sleep(0.01)
        queue.close()
        async with asyncio.timeout(5):
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, BrokerUnavailable | OutcomeUnknown) for outcome in outcomes)


async def test_closing_at_the_moment_of_a_deadline_lets_the_others_fail_all_the_same() -> None:
    broker = MoodyBroker()
    async with queue_on(broker, deadline_seconds=0.4) as queue:
        broker.error = BrokerUnavailable("away")
        waiting = [asyncio.create_task(queue.publish(draft(0)))]
        await asyncio.sleep(0.2)
        waiting.append(asyncio.create_task(queue.publish(draft(1))))
        await asyncio.sleep(0)
        # The loop is held up past the first deadline: then its timer runs, and only after us its task.
        time.sleep(0.25)  # noqa: ASYNC251
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not waiting[0].done()
        queue.close()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(outcome, BrokerUnavailable | OutcomeUnknown) for outcome in outcomes)


@pytest.mark.parametrize("event_id", ["", " a", "a b", "x\r\nNats-Rollup: all", "\ud800", "é", "x" * 129])
def test_an_id_that_a_header_would_change_is_refused(event_id: str) -> None:
    with pytest.raises(InvalidEvent, match="invalid event id"):
        Draft("tasks", "task_done", b"{}", event_id)


async def test_an_expected_sequence_that_is_none_is_refused() -> None:
    async with queue_on(MoodyBroker()) as queue:
        with pytest.raises(InvalidEvent, match="expect_last"):
            await queue.publish(draft(1), expect_last=-1)
