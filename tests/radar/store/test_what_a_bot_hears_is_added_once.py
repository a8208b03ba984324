"""What a bot hears: its messages, their atoms and where it goes on, all of it or nothing, and each message once."""

import pytest
from sqlalchemy import select

from pulse_radar.radar.events import IngestionProgress
from pulse_radar.radar.knowledge import extract
from pulse_radar.radar.store import Atom, Message, Store, outbox
from pulse_radar.radar.store.live import LiveRecord, open_live_record
from pulse_radar.radar.store.record import Batch
from tests.radar.knowledge.messages import message

BOT = "telegram-bot-1"


def heard(*numbers: int) -> Batch:
    messages = [message("We decided to ship on Friday.", id=number) for number in numbers]
    return Batch(messages, extract(messages), {})


def told() -> IngestionProgress:
    return IngestionProgress(ingestion_id=BOT, status="running", is_live=True)


async def opened(store: Store) -> LiveRecord:
    return await open_live_record(store, BOT, "@radar_bot")


async def stored(store: Store) -> tuple[list[int], int]:
    async with store.reading() as session:
        messages = list(await session.scalars(select(Message.id).order_by(Message.number)))
        return messages, len((await session.scalars(select(Atom.id))).all())


async def test_what_is_heard_again_counts_once_and_it_goes_on_where_it_was(store: Store) -> None:
    record = await opened(store)
    assert record.next_update is None
    await record.add(heard(1, 2), 901, told)
    # Numbers of updates begin anew after a quiet week.
    await record.add(heard(2, 3), 8, told)
    await record.add(heard(), 9, told)
    again = await opened(store)
    assert (again.done, again.added, again.next_update) == (4, 3, 9)
    assert await stored(store) == ([1, 2, 3], 3)


async def test_what_is_not_told_is_not_there(store: Store) -> None:
    record = await opened(store)

    def fails() -> IngestionProgress:
        raise RuntimeError("killed before its commit")

    with pytest.raises(RuntimeError):
        await record.add(heard(1), 901, fails)
    again = await opened(store)
    assert (again.done, again.added, again.next_update) == (0, 0, None)
    assert await stored(store) == ([], 0)


async def test_of_one_that_is_killed_it_is_forgotten_that_it_was_there(store: Store) -> None:
    record = await opened(store)
    await record.tell(told())
    await record.add(heard(1), 901, told)
    await record.tell(told().model_copy(update={"status": "paused"}))
    events = outbox.tables.events
    kept = select(events.c.ttl_seconds).where(events.c.topic == "messages").order_by(events.c.id)
    async with store.reading() as session:
        assert list(await session.scalars(kept)) == [120.0, 120.0, None]


async def test_a_text_with_a_nul_in_it_is_kept_without(store: Store) -> None:
    record = await opened(store)
    messages = [message("We decided to ship\0 on Friday.", id=1)]
    await record.add(Batch(messages, extract(messages), {}), 901, told)
    async with store.reading() as session:
        assert await session.scalar(select(Message.text)) == "We decided to ship on Friday."
