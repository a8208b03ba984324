"""A worker that is always at some import. SIGTERM ends it between two steps."""

import asyncio
import os
import signal
from itertools import count

from pulse_radar import Publisher


async def main() -> None:
    told_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_end.set)
    name = os.environ.get("HOSTNAME", "worker")[-12:]
    async with Publisher() as publisher:
        for step in count():
            key, done = f"{name}-{step // 101}", step % 101
            await publisher.publish("imports", "progress", {"done": done}, key=key)
            await asyncio.sleep(0.1)
            if told_to_end.is_set():
                return


asyncio.run(main())
