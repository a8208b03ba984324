"""A real process is killed between any two of: row written, committed, published, noted. Each event comes once."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from pulse_radar import Publisher, Settings
from pulse_radar.brokers.opening import open_broker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.outbox import Relay
from pulse_radar.testing.nats_server import NatsServer
from tests.outbox.shop import ORDERS, PATIENCE, announced, outbox, placed, until_empty

# Ids are forgotten by the broker before the next relay comes: what is published is found in the topic, or is not there.
DUPLICATE_WINDOW = 1.0


@pytest.mark.parametrize(
    ("point", "at_once"),
    [
        ("before the commit", 1),
        ("before publishing", 10),
        ("before it is noted", 1),
        ("while they are stored", 10),
    ],
)
async def test_a_killed_process_leaves_neither_a_row_without_event_nor_an_event_without_row(
    tmp_path: Path, url: str, engine: AsyncEngine, point: str, at_once: int
) -> None:
    async with NatsServer(tmp_path / "nats") as server:
        settings = Settings.load(broker=server.url, duplicate_window=DUPLICATE_WINDOW)
        async with open_broker(settings, is_owner=True) as broker:
            await broker.declare([LogTopic("sales")])
            await killed(url, server.url, point, ORDERS // 2, at_once)
            await asyncio.sleep(DUPLICATE_WINDOW * 1.1)
            rows = await placed(engine)
            before = await announced(broker)
            assert before == rows[: len(before)]
            publisher = Publisher(settings=settings)
            async with publisher, Relay(outbox, engine, publisher, patience_seconds=0.3):
                await until_empty(engine)
            assert rows == list(range(len(rows)))
            assert len(rows) >= ORDERS // 2
            assert await announced(broker) == rows


async def killed(url: str, broker: str, point: str, events: int, at_once: int) -> None:
    """Run the shop until it has killed itself."""
    command = (sys.executable, "-m", "tests.outbox.shop", url, broker, point, str(events), str(at_once))
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == -signal.SIGKILL
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
