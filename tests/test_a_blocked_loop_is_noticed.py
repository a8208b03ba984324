"""The watch that every test has, watched: it notices a call of ours that computes for long, and nothing else."""

import asyncio
import time

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Gap
from pulse_radar.stream.reading import fitting
from tests.loop_watch import LIMIT_SECONDS, LoopWatch

GAP = Gap(1, 1, GapReason.EXPIRED)


def seconds_of(count: int) -> float:
    """How long a call of ours computes on so many entries."""
    began = time.thread_time()
    fitting([GAP] * count, 1)
    return time.thread_time() - began


async def test_a_call_of_ours_that_computes_for_long_is_noticed(loop_watch: LoopWatch) -> None:
    # The quickest of several: a processor that others use is slower by half at times.
    count = int(2 * LIMIT_SECONDS / min(seconds_of(100_000) for _ in range(5)) * 100_000)
    await asyncio.sleep(0)
    fitting([GAP] * count, 1)
    await asyncio.sleep(0)
    (blocked,) = loop_watch.blocked
    loop_watch.blocked.clear()
    assert "in fitting" in blocked


async def test_many_short_calls_of_a_test_and_a_callback_that_waits_are_not(loop_watch: LoopWatch) -> None:
    deadline = time.thread_time() + 1.2 * LIMIT_SECONDS
    while time.thread_time() < deadline:
        fitting([GAP] * 1_000, 1)
    await asyncio.sleep(0)
    time.sleep(1.2 * LIMIT_SECONDS)  # noqa: ASYNC251 (this is what is tried)
    await asyncio.sleep(0)
    assert loop_watch.blocked == []
