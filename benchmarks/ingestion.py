"""How fast a worker ingests, with how much memory: parse, extract, store and publish; or all but publish.

    python -m benchmarks.ingestion [--messages 50000] [--database postgresql://…] [--store-only]

One process, over a generated export with every shape of message. What is published goes to a real nats-server, and the
run ends when the outbox is empty. Beside the clock stands the processor's time: on a shared machine it counts.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from pulse_radar.brokers.opening import open_broker
from pulse_radar.radar.ingestion import Ingestion
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import open_store, outbox
from pulse_radar.radar.store.publishing import open_publishing_store
from pulse_radar.radar.topics import TOPICS
from pulse_radar.settings import Settings
from pulse_radar.testing.nats_server import NatsServer
from pulse_radar.testing.telegram_exports import write_export


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--database", help="an empty one; else SQLite in a new file")
    parser.add_argument("--store-only", action="store_true", help="publish nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        uvloop.run(
            _measure(Path(directory), options.messages, options.database, publish=not options.store_only)
        )


async def _measure(directory: Path, messages: int, database: str | None, *, publish: bool) -> None:
    export = directory / "result.json"
    with export.open("wb") as out:
        write_export(out, messages=messages, full=True)
    radar = RadarSettings.load(database=database or f"sqlite:///{directory / 'radar.db'}")
    async with AsyncExitStack() as stack:
        settings = Settings.load(data_dir=directory)
        if publish:
            server = await stack.enter_async_context(NatsServer(directory / "nats"))
            settings = Settings.load(data_dir=directory, broker=server.url)
            broker = await stack.enter_async_context(open_broker(settings, is_owner=True))
            await broker.declare(TOPICS)
        else:
            # Nobody empties it.
            outbox.limit = 10 * messages
        opening = open_publishing_store(settings, radar) if publish else open_store(settings, radar)
        async with opening as store:
            began, used = time.monotonic(), time.process_time()
            ingestion = Ingestion(
                "job", export, store=store, most_waiting=5_000 if publish else 10 * messages
            )
            await ingestion.run(lambda: False)
        seconds, processor = time.monotonic() - began, time.process_time() - used
    found = {
        "what": "parse, extract, store and publish" if publish else "parse, extract and store",
        "database": "sqlite" if database is None else database.partition(":")[0],
        "messages": messages,
        "megabytes": round(export.stat().st_size / 1e6, 1),
        "messages_per_second": round(messages / seconds),
        "messages_per_second_of_processor": round(messages / processor),
        "memory_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
