"""Watching over a running server: one that answered and has fallen silent is ended, and its guard starts the next.

A process that hangs, or that somebody stopped and forgot, is not dead: no pipe closes, its port accepts connections,
and everybody waits. Ending it loses nothing: what was acknowledged is in the hands of the system at least, and survives
SIGKILL.
"""

import asyncio
import logging
import math
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pulse_radar.brokers.embedded.kept import Kept
from pulse_radar.brokers.embedded.probe import is_answering
from pulse_radar.brokers.embedded.record import server_pid
from pulse_radar.brokers.embedded.store import Store

__all__ = ["Silence", "watch"]

log: Final = logging.getLogger(__name__)

# Four looks at the least: one of them may fall into a moment in which the whole machine stood still.
LOOKS: Final = 4
LONGEST_PAUSE_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 2.0


class Silence:
    """How often in a row a server was asked in vain. Pure.

    Counted, and not measured: the time that a laptop slept, or that we were stopped ourselves, says nothing about it.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # The last one that answered: who never did may still be reading its store, and that may take long.
        self._known: int | None = None
        self._vain = 0

    def answered(self, server: int | None) -> None:
        self._known = server
        self._vain = 0

    def missed(self, server: int | None) -> bool:
        """It did not answer. Whether it is given up."""
        if server is None or server != self._known:
            return False
        self._vain += 1
        return self._vain >= self._limit

    def __repr__(self) -> str:
        return f"<Silence of {self._known}, {self._vain} of {self._limit}>"


async def watch(store: Store, kept: Kept, server: Callable[[], int | None], silent_seconds: float) -> None:
    """End each server that hangs, until cancelled. `server`: the process that our own guard runs, None for none."""
    wait = min(LONGEST_WAIT_SECONDS, silent_seconds / LOOKS)
    pause = min(LONGEST_PAUSE_SECONDS, wait)
    silence = Silence(max(LOOKS, math.ceil(silent_seconds / (wait + pause))))
    while True:
        await asyncio.sleep(pause)
        asked = server()
        if asked is None:
            continue
        if await is_answering(kept, within_seconds=wait):
            silence.answered(asked)
        elif silence.missed(asked) and server_pid(store.directory) == asked:
            log.error(
                "embedded broker: server %d in %s answers nobody for %g s, stopped or hung: it is killed, and the "
                "next one started; nothing that was acknowledged is lost",
                *(asked, store.directory, silent_seconds),
            )
            with suppress(ProcessLookupError):
                os.kill(asked, signal.SIGKILL)
