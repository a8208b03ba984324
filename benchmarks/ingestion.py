"""How fast a worker ingests, with how much memory: all of it, or less, to see what the rest costs.

    python -m benchmarks.ingestion [--messages 50000] [--what all|without-publishing|parse-and-store] [--database postgresql://…]

One process, over a generated export with every shape of message. What is published goes to a real nats-server, and the
run ends when the outbox is empty. Beside the clock stands the processor's time: on a shared machine it counts.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import uvloop

from pulse_radar.brokers.opening import open_broker
from pulse_radar.radar.ingestion import Ingestion
from pulse_radar.radar.ingestion.export_file import open_export
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Store, open_store, outbox
from pulse_radar.radar.store.publishing import open_publishing_store
from pulse_radar.radar.store.record import Batch, open_record
from pulse_radar.radar.topics import TOPICS
from pulse_radar.settings import Settings
from pulse_radar.testing.nats_server import NatsServer
from pulse_radar.testing.telegram_exports import write_export

# Messages of a transaction, as in an ingestion.
_CHUNK: Final = 500

# Each with what it is called in the figures.
_WHAT: Final = {
    "all": "parse, extract, store and publish",
    "without-publishing": "parse, extract and store",
    "parse-and-store": "parse and store",
}

# What the outbox may hold, where it is emptied: as in an ingestion.
_MOST_WAITING: Final = 5_000


async def _measure(directory: Path, messages: int, database: str | None, what: str) -> dict[str, object]:
    export = directory / "result.json"
    with export.open("wb") as out:
        write_export(out, messages=messages, full=True)
    if what != "all":
        # Nobody empties it.
        outbox.limit = 10 * messages
    radar = RadarSettings.load(database=database or f"sqlite:///{directory / 'radar.db'}")
    async with _store(directory, radar, publishes=what == "all") as store:
        began, used = time.monotonic(), time.process_time()
        if what == "parse-and-store":
            await _parse_and_store(export, store)
        else:
            waiting = _MOST_WAITING if what == "all" else outbox.limit
            await Ingestion("job", export, store=store, most_waiting=waiting).run(lambda: False)
    # With what it takes until the outbox is empty.
    seconds, processor = time.monotonic() - began, time.process_time() - used
    return {
        "what": _WHAT[what],
        "database": "sqlite" if database is None else database.partition(":")[0],
        "messages": messages,
        "megabytes": round(export.stat().st_size / 1e6, 1),
        "messages_per_second": round(messages / seconds),
        "messages_per_second_of_processor": round(messages / processor),
        "memory_megabytes": round(_peak_megabytes()),
    }


async def _parse_and_store(path: Path, store: Store) -> None:
    record = await open_record(store, "job", path.name, None)
    async with open_export(path, None) as export:
        while chunk := await export.chunk(_CHUNK):
            await record.add(Batch(chunk, (), {}), lambda: None)


@asynccontextmanager
async def _store(directory: Path, radar: RadarSettings, *, publishes: bool) -> AsyncIterator[Store]:
    """The store, and a nats-server with the topics behind its outbox, or nobody."""
    if not publishes:
        async with open_store(Settings.load(data_dir=directory), radar) as store:
            yield store
        return
    async with NatsServer(directory / "nats") as server:
        settings = Settings.load(data_dir=directory, broker=server.url)
        async with open_broker(settings, is_owner=True) as broker:
            await broker.declare(TOPICS)
            async with open_publishing_store(settings, radar) as store:
                yield store


def _peak_megabytes() -> float:
    """The most resident memory of this process, and not of its parent: what getrusage knows begins with that."""
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--messages", type=int, default=50_000)
    arguments.add_argument("--database", help="an empty one; else SQLite in a new file")
    arguments.add_argument("--what", choices=_WHAT, default="all")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = uvloop.run(_measure(Path(directory), given.messages, given.database, given.what))
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
