"""A cancelled job says so in the database, which it left in the middle of a statement."""

import asyncio

from sqlalchemy import text

from pulse_radar.radar.store import Store
from pulse_radar.radar.store.record import open_record

# Far less than a transaction waits for its turn.
PATIENCE_SECONDS = 15

LONG = text(
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000) "
    "SELECT count(*) FROM numbers"
)


async def test_who_is_cancelled_in_the_middle_of_a_statement_can_write_at_once(store: Store) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        try:
            async with store.writing() as session:
                begun.set()
                while True:
                    await session.execute(LONG)
        except asyncio.CancelledError:
            # The error is held on to, and with it what the database was asked.
            async with asyncio.timeout(PATIENCE_SECONDS):
                await open_record(store, "an-ingestion", "result.json", None)
            raise

    job = asyncio.create_task(work())
    await begun.wait()
    await asyncio.sleep(0.1)
    job.cancel()
    await asyncio.wait([job])
    assert job.cancelled()
