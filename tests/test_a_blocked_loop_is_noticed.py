"""The watch that every test has, watched: it notices code of ours that computes for long, and nothing else."""

import asyncio
import time

import msgspec

from pulse_radar.protocol.json_value import encode_data
from tests.loop_watch import LIMIT_SECONDS, LoopWatch


async def test_code_of_ours_that_computes_for_long_is_noticed(loop_watch: LoopWatch) -> None:
    value = list(range(50_000))
    deadline = time.thread_time() + 2 * LIMIT_SECONDS
    while time.thread_time() < deadline:
        encode_data(value)
    await asyncio.sleep(0)
    (blocked,) = loop_watch.blocked
    loop_watch.blocked.clear()
    assert "encode_data" in blocked


async def test_a_test_that_computes_and_a_callback_that_waits_are_not(loop_watch: LoopWatch) -> None:
    deadline = time.thread_time() + 2 * LIMIT_SECONDS
    while time.thread_time() < deadline:
        msgspec.json.encode(list(range(1_000)))
    time.sleep(2 * LIMIT_SECONDS)  # noqa: ASYNC251 (this is what is tried)
    await asyncio.sleep(0)
    assert loop_watch.blocked == []
