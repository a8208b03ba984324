"""A worker that is asked to end says so, or closes its publisher, in its handler: also while the broker hangs."""

import asyncio
import sys

import pytest

PROGRAM = """
import signal, socket, sys
from pulse_radar import PulseError, SyncPublisher

# Connections come about, and nobody greets.
silent = socket.create_server(("127.0.0.1", 0))
publisher = SyncPublisher(f"nats://127.0.0.1:{silent.getsockname()[1]}")

def end(*_):
    try:
        ACT
    except PulseError as error:
        print(type(error).__name__, flush=True)
    print("ended", flush=True)
    sys.exit(0)

signal.signal(signal.SIGALRM, end)
signal.setitimer(signal.ITIMER_REAL, 0.3)
publisher.publish("tasks", "task_done")
"""


@pytest.mark.parametrize(
    ("act", "says"),
    [
        ("publisher.close()", ["ended"]),
        ('publisher.publish("workers", "stopped")', ["BrokerUnavailable", "ended"]),
    ],
)
async def test_a_handler_ends_though_it_came_in_the_middle_of_connecting(act: str, says: list[str]) -> None:
    program = PROGRAM.replace("ACT", act)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert told.decode().split() == says
