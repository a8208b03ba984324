"""Jobs of a shop, for a real worker: `taskiq worker tests.jobs.shop:broker`. The environment has its addresses."""

import asyncio
import os
import time
from pathlib import Path

from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig
from taskiq import SimpleRetryMiddleware, TaskiqDepends
from taskiq_nats import PullBasedJetStreamBroker

from pulse_radar.jobs import JobProgress, PulseMiddleware

# What a job did, line by line, for the test to read.
LEDGER = "SHOP_LEDGER"

# A worker that is killed loses its job to another after so long.
ACK_WAIT_SECONDS = 8.0


def make_broker() -> PullBasedJetStreamBroker:
    made = PullBasedJetStreamBroker(
        os.environ["SHOP_NATS"],
        subject="shop.jobs",
        stream_name="SHOP-JOBS",
        durable="SHOP-WORKERS",
        stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE),
        consumer_config=ConsumerConfig(durable_name="SHOP-WORKERS", ack_wait=ACK_WAIT_SECONDS, max_deliver=5),
        pull_consume_timeout=1.0,
    )
    made.add_middlewares(SimpleRetryMiddleware(), PulseMiddleware(os.environ["SHOP_PULSE"], arguments=True))
    return made


broker = make_broker()


def _note(text: str) -> None:
    with Path(os.environ[LEDGER]).open("a") as ledger:
        ledger.write(f"{text}\n")


def _noted() -> list[str]:
    return Path(os.environ[LEDGER]).read_text().splitlines()


@broker.task
async def double(number: int) -> int:
    return 2 * number


@broker.task
async def wait_once(name: str, progress: JobProgress = TaskiqDepends()) -> None:
    """For ever the first time, until somebody ends it; not at all from then on."""
    is_first = name not in _noted()
    _note(name)
    await progress.update(1, total=2, message="waiting")
    if is_first:
        try:
            await asyncio.sleep(600)
        finally:
            _note(f"{name} left")


@broker.task
def block(name: str, progress: JobProgress = TaskiqDepends()) -> None:
    """In a thread, until somebody stops it."""
    _note(name)
    try:
        while True:
            progress.update(1)
            time.sleep(0.02)
    finally:
        _note(f"{name} left")


@broker.task(retry_on_error=True, max_retries=3)
async def flaky(name: str, progress: JobProgress = TaskiqDepends()) -> None:
    _note(name)
    await asyncio.sleep(0.05)
    if progress.attempt < 3:
        raise ConnectionError(f"attempt {progress.attempt}")
