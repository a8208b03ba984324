"""A worker process: publishes its share at full speed and prints what was stored where, a line each."""

import asyncio
import sys

from pulse_radar import Publisher
from tests.promise.api import TOPICS

# As many publishes at once as a busy worker has tasks.
_AT_ONCE = 64


async def main(name: str, count: int) -> None:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def publish(number: int) -> str:
        async with slots:
            event_id = f"{name}-{number}"
            position = await publisher.publish(
                TOPICS[number % len(TOPICS)], "happened", {"n": number}, id=event_id
            )
            return f"{position.topic} {position.sequence} {event_id}"

    async with Publisher() as publisher:
        for line in await asyncio.gather(*(publish(number) for number in range(count))):
            sys.stdout.write(line + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
