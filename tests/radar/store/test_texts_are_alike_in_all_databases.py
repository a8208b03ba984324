"""PostgreSQL keeps no NUL character, and fails at a question with one; SQLite does neither."""

from sqlalchemy import select

from pulse_radar.radar.store import Agent, Store


async def test_an_id_with_a_nul_is_one_that_is_not_there(store: Store) -> None:
    agent = Agent(id="a\0b", name="c\0d", instructions="", model=None, provider_id=None, is_enabled=True)
    async with store.writing() as session:
        session.add(agent)
    async with store.reading() as session:
        for asked, found in (("a\0b", "cd"), ("\0", None)):
            assert await session.scalar(select(Agent.name).where(Agent.id == asked)) == found
        assert (await session.scalars(select(Agent.name).where(Agent.provider_id == "\0"))).all() == []
