"""Long replays and storms: a client 200,000 events behind, 5,000 clients a hundred behind, a process killed.

    python -m benchmarks.replay [--quick]

Prints a table and writes benchmarks/results/replay.json. Linux only: it reads /proc.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.app import TOPIC
from benchmarks.crowd import Member, connect_all, handshake
from benchmarks.processes import memory_mb, peak_memory_mb, serving
from benchmarks.results import save, show_table
from benchmarks.traffic import Latencies, steady
from pulse_radar import Publisher
from pulse_radar.testing.nats_server import NatsServer, free_port

# About 180 bytes on the wire, as DESIGN section 8 measures with.
_PADDING: Final = "x" * 60
_AT_ONCE: Final = 1_000
_LIVE_PER_SECOND: Final = 200
_BASELINE_SECONDS: Final = 3.0

Figures = dict[str, float]


async def publish(publisher: Publisher, count: int) -> None:
    for done in range(0, count, _AT_ONCE):
        await asyncio.gather(
            *(
                publisher.publish(TOPIC, "thing_happened", {"n": n, "text": _PADDING})
                for n in range(done, min(done + _AT_ONCE, count))
            )
        )


async def long_replay(broker: str, publisher: Publisher, behind: int) -> Figures:
    """One client so far behind, while others are served live."""
    port = free_port()
    async with serving(broker, port) as process:
        latencies = Latencies()
        watchers = await connect_all([f"topics={TOPIC}"], port, latencies.note)
        before_all = await position(port)
        await publish(publisher, behind)
        latencies.forget()
        async with steady(publisher, TOPIC, _LIVE_PER_SECOND):
            await asyncio.sleep(_BASELINE_SECONDS)
            without = latencies.percentile_99()
            memory = memory_mb(process)
            [late], took = await come(1, port, after=before_all)
            amid = latencies.percentile_99()
        assert late.events >= behind, f"{late.events} of {behind}"
        assert not any(member.holes for member in (late, *watchers))
        return {
            "events": late.events,
            "seconds": took,
            "events_per_second": late.events / took,
            "server_mb_before": memory,
            "server_mb_peak": peak_memory_mb(process),
            "live_p99_ms_without": without,
            "live_p99_ms_amid": amid,
        }


async def storm(broker: str, publisher: Publisher, clients: int, missed: int) -> Figures:
    """All of them cut at once, and back at once, each so many events behind."""
    port = free_port()
    async with serving(broker, port) as process:
        crowd, connecting = await come(clients, port)
        start = await position(port)
        cut(crowd)
        await publish(publisher, missed)
        crowd, recovering = await come(clients, port, after=start)
        check(crowd, missed)
        return {
            "clients": clients,
            "missed_each": missed,
            "connect_seconds": connecting,
            "recover_seconds": recovering,
            "recover_to_connect": recovering / connecting,
            "events_per_second": clients * missed / recovering,
            "server_mb_peak": peak_memory_mb(process),
        }


async def killed(broker: str, publisher: Publisher, clients: int) -> Figures:
    """SIGKILL of a process: how long until all of its clients are caught up at another one."""
    first, second = free_port(), free_port()
    async with serving(broker, first) as process, serving(broker, second):
        crowd, _ = await come(clients, first)
        await publish(publisher, 100)
        start = await position(second)
        process.kill()
        began = time.perf_counter()
        cut(crowd)
        await publish(publisher, 10)
        crowd, _ = await come(clients, second, after=start)
        took = time.perf_counter() - began
        check(crowd, 10)
        return {"clients": clients, "seconds": took}


async def come(clients: int, port: int, *, after: int | None = None) -> tuple[list[Member], float]:
    """So many, all of them live, and in how many seconds; `after`: where each of them stood."""
    cursor = "" if after is None else f"&lastSeq={TOPIC}:{after}"
    began = time.perf_counter()
    crowd = await connect_all([f"topics={TOPIC}{cursor}"] * clients, port)
    return crowd, time.perf_counter() - began


def cut(crowd: list[Member]) -> None:
    for member in crowd:
        member.transport.abort()


def check(crowd: list[Member], expected: int) -> None:
    assert all(member.events == expected for member in crowd), {member.events for member in crowd}
    assert not any(member.holes for member in crowd)


async def position(port: int) -> int:
    """The newest sequence, as a new client is told it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(handshake(f"topics={TOPIC}", port))
    marker = f'"lastSeq":{{"{TOPIC}":'.encode()
    await reader.readuntil(marker)
    digits = await reader.readuntil(b"}")
    writer.close()
    return int(digits[:-1])


async def measure(*, quick: bool) -> dict[str, Figures]:
    share = 20 if quick else 1
    with tempfile.TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as server, Publisher(server.url) as publisher:
            return {
                "long replay": await long_replay(server.url, publisher, 200_000 // share),
                "storm": await storm(server.url, publisher, 5_000 // share, 100),
                "process killed": await killed(server.url, publisher, 1_000 // share),
            }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a twentieth of everything")
    quick = arguments.parse_args().quick
    figures = uvloop.run(measure(quick=quick))
    rows = [
        (what, name.replace("_", " "), f"{value:,.2f}".rstrip("0").rstrip("."))
        for what, values in figures.items()
        for name, value in values.items()
    ]
    show_table("replays", ("what", "figure", "value"), rows)
    if not quick:
        save("replay", figures)


if __name__ == "__main__":
    main()
