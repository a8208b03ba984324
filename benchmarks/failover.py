"""How long a cluster of three takes no events when the server that leads a stream is lost, one way or another.

    python -m benchmarks.failover [--rounds 3]

Real servers on loopback. Each figure is the longest pause between two acknowledgements of one publisher that knows
all three servers and publishes all the time, in seconds: the shortest, the median and the longest of the rounds.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.results import show_table
from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.nats_server import NatsServer

_TOPIC: Final = "failover"
_DEADLINE_SECONDS: Final = 60.0

# So many events more, and it goes on.
_ENOUGH: Final = 20

Accident = Callable[[NatsCluster, NatsServer], Awaitable[None]]


async def _killed(_: NatsCluster, leader: NatsServer) -> None:
    await leader.kill()


async def _stopped(_: NatsCluster, leader: NatsServer) -> None:
    await leader.stop()


async def _cut_off(cluster: NatsCluster, leader: NatsServer) -> None:
    cluster.cut_off(leader)


_ACCIDENTS: Final[dict[str, Accident]] = {
    "stopped (SIGTERM)": _stopped,
    "killed (SIGKILL)": _killed,
    "cut off from the others": _cut_off,
}


async def main(rounds: int) -> None:
    rows: list[tuple[str, ...]] = []
    for name, accident in _ACCIDENTS.items():
        pauses = sorted([await _longest_pause(accident) for _ in range(rounds)])
        rows.append((name, *(f"{pause:.2f}" for pause in (pauses[0], median(pauses), pauses[-1]))))
    show_table("seconds without an acknowledgement", ("the leader is", "shortest", "median", "longest"), rows)


async def _longest_pause(accident: Accident) -> float:
    with tempfile.TemporaryDirectory() as directory:
        async with NatsCluster(Path(directory)) as cluster, NatsBroker(cluster.url, replicas=3) as broker:
            await broker.declare([LogTopic(_TOPIC)])
            acknowledged: list[float] = []
            publishing = asyncio.create_task(_publish(broker, acknowledged))
            await _more(acknowledged)
            await accident(cluster, await cluster.leader(f"PULSE_{_TOPIC}"))
            await _more(acknowledged)
            publishing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await publishing
            return max(later - earlier for earlier, later in pairwise(acknowledged))


async def _publish(broker: NatsBroker, acknowledged: list[float]) -> None:
    queue = PublishQueue(broker, limit=10, deadline_seconds=_DEADLINE_SECONDS, max_event_bytes=1_000)
    for number in count():
        await queue.publish(Draft(_TOPIC, "measured", b"1", str(number)))
        acknowledged.append(time.monotonic())


async def _more(acknowledged: list[float]) -> None:
    enough = len(acknowledged) + _ENOUGH
    while len(acknowledged) < enough:  # noqa: ASYNC110  # it is counted, not told
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    asyncio.run(main(parser.parse_args().rounds))
