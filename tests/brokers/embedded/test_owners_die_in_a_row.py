"""Owner after owner is killed while others publish and follow: nothing is lost, doubled or turned around."""

import asyncio
import contextlib
import subprocess
from pathlib import Path

from pulse_radar.brokers.embedded import attach
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.testing.broker_contract import Ledger, Publishing, Watcher, gaps

from .processes import owner, pid_of, until_served_by_another

KILLS = 5


def parent_of(pid: int) -> int:
    return int(subprocess.check_output(["ps", "-o", "ppid=", "-p", str(pid)]))


async def test_owners_killed_in_a_row_cost_nobody_an_event(tmp_path: Path) -> None:
    ledger = Ledger()
    async with contextlib.AsyncExitStack() as stack:
        owners = {}
        for _ in range(3):
            another = await stack.enter_async_context(owner(tmp_path))
            await another.says()
            owners[another.pid] = another
        url = await attach(tmp_path)
        brokers = [await stack.enter_async_context(NatsBroker(url)) for _ in range(2)]
        await brokers[0].declare([LogTopic("tasks", retain=100_000)])
        watchers = [await stack.enter_async_context(Watcher(broker, "tasks", 0)) for broker in brokers]
        async with contextlib.AsyncExitStack() as traffic:
            for name, broker in zip("ab", brokers, strict=True):
                await traffic.enter_async_context(Publishing(broker, "tasks", ledger, name=name).meanwhile())
            for _ in range(KILLS):
                await more(ledger)
                server = pid_of(tmp_path)
                # A server is its guard's child, and a guard its owner's.
                owners.pop(parent_of(parent_of(server))).kill()
                another = await stack.enter_async_context(owner(tmp_path))
                owners[another.pid] = another
                await until_served_by_another(tmp_path, server)
            await more(ledger)
        for watcher in watchers:
            entries = await watcher.reaches(ledger.last)
            ledger.check(entries, after=0)
            assert gaps(entries) == []


async def more(ledger: Ledger) -> None:
    enough = len(ledger.events) + 20
    while len(ledger.events) < enough:
        await asyncio.sleep(0.01)
