"""Any number of relays: one has the turn, a dead one loses it, and what nobody takes holds up nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from pulse_radar import BrokerUnavailable, EventTooLarge, OutcomeUnknown, Position, Pulse
from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.outbox import Relay
from pulse_radar.outbox.turn import Turn, TurnWatch
from tests.outbox.shop import PATIENCE, announced, outbox, place, until_empty


@pytest.fixture
async def pulse() -> AsyncIterator[Pulse]:
    pulse = Pulse("memory://")
    pulse.topic("sales")
    pulse.topic("prices", kind="state")
    async with pulse:
        yield pulse


class Faulty:
    """A broker whose answers are lost, late, or refusals, as a test says."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self.lost_answers = 0
        self.refuses: type[Exception] | None = None
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.asked = 0
        # True and False: whether it answers. None: it has no way to.
        self.takes_together: bool | None = None

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        self.asked += 1
        await self.is_open.wait()
        if self.refuses is not None and draft.name == "refused":
            raise self.refuses("no")
        position = await self._pulse.publish_draft(draft)
        if self.lost_answers:
            self.lost_answers -= 1
            raise BrokerUnavailable("no answer")
        return position

    async def publish_together(self, drafts: Sequence[Draft]) -> list[Position]:
        if self.takes_together is None:
            return []
        positions = [await self.publish_draft(draft) for draft in drafts]
        if not self.takes_together:
            raise OutcomeUnknown(drafts[0].id, "no answer")
        return positions

    @property
    def broker(self) -> Broker:
        return self._pulse.broker


async def say(
    engine: AsyncEngine, topic: str, *numbers: int, name: str = "said", key: str | None = None
) -> None:
    async with AsyncSession(engine) as session, session.begin():
        for number in numbers:
            outbox.add(session, topic, name, {"number": number}, key=key)


async def test_two_relays_publish_each_event_once_and_in_order(engine: AsyncEngine, pulse: Pulse) -> None:
    async with Relay(outbox, engine, pulse), Relay(outbox, engine, pulse):
        for number in range(30):
            async with AsyncSession(engine) as session, session.begin():
                await place(session, number)
        await until_empty(engine)
    assert await announced(pulse.broker) == list(range(30))


async def test_a_relay_that_hangs_loses_its_turn_and_its_event_comes_once(
    engine: AsyncEngine, pulse: Pulse
) -> None:
    hanging = Faulty(pulse)
    hanging.is_open.clear()
    async with Relay(outbox, engine, hanging, patience_seconds=0.4):
        await say(engine, "sales", *range(5))
        async with asyncio.timeout(PATIENCE):
            while not hanging.asked:
                await asyncio.sleep(0.01)
        async with Relay(outbox, engine, pulse, patience_seconds=0.4):
            await until_empty(engine)
        hanging.is_open.set()
    assert await announced(pulse.broker) == list(range(5))


async def test_while_a_relay_waits_for_the_broker_others_may_write(engine: AsyncEngine, pulse: Pulse) -> None:
    hanging = Faulty(pulse)
    hanging.is_open.clear()
    async with Relay(outbox, engine, hanging):
        await say(engine, "sales", 0)
        async with asyncio.timeout(PATIENCE):
            while not hanging.asked:
                await asyncio.sleep(0.01)
        await say(engine, "sales", 1)
        assert await announced(pulse.broker) == []
        hanging.is_open.set()
        await until_empty(engine)
    assert await announced(pulse.broker) == [0, 1]


@pytest.mark.parametrize("topic", ["sales", "prices"])
async def test_an_event_whose_answer_was_lost_is_found_and_not_sent_again(
    engine: AsyncEngine, pulse: Pulse, topic: str
) -> None:
    faulty = Faulty(pulse)
    await say(engine, topic, 0, key="a")
    async with Relay(outbox, engine, faulty) as relay:
        await until_empty(engine)
        faulty.lost_answers = 1
        # The second supersedes the first, if it is a state: that it is there says that the first was.
        await say(engine, topic, 1, 2, key="a")
        await until_empty(engine)
        assert relay.stats().recovered == 1
    numbers = await announced(pulse.broker, topic)
    assert numbers == ([0, 1, 2] if topic == "sales" else [2])


async def test_what_waits_goes_together_and_in_order(engine: AsyncEngine, pulse: Pulse) -> None:
    faulty = Faulty(pulse)
    faulty.takes_together = True
    await say(engine, "sales", *range(5))
    await say(engine, "prices", 0, key="a")
    await say(engine, "sales", *range(5, 10))
    async with Relay(outbox, engine, faulty) as relay:
        await until_empty(engine)
        assert relay.stats().published == 11
    assert await announced(pulse.broker) == list(range(10))


async def test_of_what_went_together_and_nobody_answered_each_comes_once(
    engine: AsyncEngine, pulse: Pulse
) -> None:
    faulty = Faulty(pulse)
    faulty.takes_together = False
    await say(engine, "sales", *range(10))
    async with Relay(outbox, engine, faulty) as relay:
        await until_empty(engine)
        assert relay.stats().recovered == 10
    assert await announced(pulse.broker) == list(range(10))


async def test_one_that_nobody_takes_holds_up_none_that_would_have_gone_with_it(
    engine: AsyncEngine, pulse: Pulse
) -> None:
    faulty = Faulty(pulse)
    faulty.refuses = EventTooLarge
    async with AsyncSession(engine) as session, session.begin():
        for number in range(3):
            outbox.add(session, "sales", "refused" if number == 1 else "said", {"number": number})
    async with Relay(outbox, engine, faulty), asyncio.timeout(PATIENCE):
        while await announced(pulse.broker) != [0, 2]:
            await asyncio.sleep(0.01)
    assert await why_refused(engine) == ["no"]


async def test_a_topic_that_is_missing_holds_up_no_other(engine: AsyncEngine, pulse: Pulse) -> None:
    await say(engine, "nowhere", 1)
    await say(engine, "sales", 1, 2)
    async with Relay(outbox, engine, pulse) as relay:
        async with asyncio.timeout(PATIENCE):
            while await announced(pulse.broker) != [1, 2]:
                await asyncio.sleep(0.01)
        assert "nowhere" in str(relay.stats().failure)


async def test_what_no_broker_ever_takes_is_set_aside_with_the_reason(
    engine: AsyncEngine, pulse: Pulse
) -> None:
    faulty = Faulty(pulse)
    faulty.refuses = EventTooLarge
    await say(engine, "sales", 1, name="refused")
    await say(engine, "sales", 2)
    async with Relay(outbox, engine, faulty), asyncio.timeout(PATIENCE):
        while await why_refused(engine) != ["no"]:
            await asyncio.sleep(0.01)
    assert await announced(pulse.broker) == [2]


async def why_refused(engine: AsyncEngine) -> list[str | None]:
    async with AsyncSession(engine) as session:
        return list(await session.scalars(select(outbox.tables.events.c.refused)))


async def test_a_relay_outlives_a_broker_that_is_away(engine: AsyncEngine, pulse: Pulse) -> None:
    faulty = Faulty(pulse)
    faulty.refuses = BrokerUnavailable
    async with Relay(outbox, engine, faulty) as relay:
        await say(engine, "sales", 1, name="refused")
        async with asyncio.timeout(PATIENCE):
            while relay.stats().failure is None:
                await asyncio.sleep(0.01)
        faulty.refuses = None
        await until_empty(engine)
        async with asyncio.timeout(PATIENCE):
            while relay.stats().failure is not None:
                await asyncio.sleep(0.01)
    assert await announced(pulse.broker) == [1]


def test_a_turn_is_taken_when_it_is_free_or_its_holder_did_not_stir_for_too_long() -> None:
    watch = TurnWatch(10.0)
    assert watch.may_take(Turn(None, 7, in_doubt=False), 0.0)
    assert not watch.may_take(Turn("other", 8, in_doubt=True), 1.0)
    assert not watch.may_take(Turn("other", 8, in_doubt=True), 10.9)
    assert not watch.may_take(Turn("other", 9, in_doubt=True), 11.0)
    assert not watch.may_take(Turn("other", 9, in_doubt=True), 20.9)
    assert watch.may_take(Turn("other", 9, in_doubt=True), 21.0)
