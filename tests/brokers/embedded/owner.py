"""A process that owns an embedded server until its standard input ends. Run as a script.

    python owner.py DIRECTORY [fork]

It says `ready ROLE`, and `interrupted` when it gets SIGINT. With `fork` it first leaves a child behind that
holds a copy of everything it has open, and says `forked PID`.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from pulse_radar.brokers.embedded import EmbeddedServer, EmbeddedSettings


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def fork() -> None:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    say("forked", child)


async def main(directory: Path, *, forks: bool) -> None:
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, say, "interrupted")
    async with EmbeddedServer(EmbeddedSettings(directory=directory)) as server:
        if forks:
            fork()
        loop.add_reader(sys.stdin, done.set)
        say("ready", server.stats().role)
        await done.wait()
        loop.remove_reader(sys.stdin)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), forks="fork" in sys.argv[2:]))
