"""Having a guard for as long as one is wanted: it is heard, and replaced when it dies."""

import asyncio
import enum
import logging
import os
import time
from pathlib import Path
from typing import assert_never

from pulse_radar.brokers.embedded.guard import next_pause
from pulse_radar.brokers.embedded.lifeline import Exited, Lifeline, Started, Waiting, Word
from pulse_radar.brokers.embedded.record import end_orphan
from pulse_radar.brokers.embedded.store import Store
from pulse_radar.errors import BrokerError
from pulse_radar.tasks import ended

__all__ = ["Keeper", "Role"]

log = logging.getLogger(__name__)

# A server or guard that died this often while starting will not start. Not at the first death: a predecessor
# that was killed frees its lock a moment before its port.
HOPELESS_DEATHS = 3


class Role(enum.StrEnum):
    """What an owner is to the server."""

    STOPPED = "stopped"
    STARTING = "starting"  # also: its guard died, and the next one is on its way
    SERVING = "serving"
    STANDBY = "standby"  # another owner's guard serves


class Keeper:
    """Keeps one guard in a data directory, from `start` to `stop`. Deaths are those that nobody asked for."""

    def __init__(self, store: Store, binary: Path, stop_seconds: float) -> None:
        self._store = store
        self._binary = binary
        self._stop_seconds = stop_seconds
        self._task: asyncio.Task[None] | None = None
        self._lifeline: Lifeline | None = None
        self.role = Role.STOPPED
        # The process that our guard runs, as far as it told.
        self.server: int | None = None
        self.server_starts = 0
        self.server_deaths = 0
        self.guard_deaths = 0

    def __repr__(self) -> str:
        return f"<Keeper {self.role} {self._store.directory} guard {self.guard_pid}>"

    @property
    def guard_pid(self) -> int | None:
        return self._lifeline.pid if self._lifeline is not None else None

    @property
    def is_hopeless(self) -> bool:
        """While starting: has it failed so often that it will not succeed?"""
        return max(self.server_deaths, self.guard_deaths) >= HOPELESS_DEATHS

    def start(self) -> None:
        self.role = Role.STARTING
        self._task = asyncio.create_task(self._keep(), name=f"guard of {self._store.directory}")

    async def stop(self) -> None:
        """End the guard, and the server if ours served it. Bounded; leaves nothing, even when cancelled."""
        if self._task is not None:
            self._task.cancel()
            # It ends by being cancelled: anything else is a defect, and loud.
            await ended(self._task)
            # Where the system does not end a server with its guard, one may have outlived another owner.
            self._end_orphan()
        self.role = Role.STOPPED

    async def _keep(self) -> None:
        """Hold a guard, and the next one when it dies, until cancelled."""
        pause = 0.0
        while True:
            began = time.monotonic()
            try:
                await self._hold_guard()
                log.warning("embedded broker: the guard of %s died; starting another", self._store.directory)
            except (OSError, BrokerError) as error:
                log.warning("embedded broker: no guard for %s: %s", self._store.directory, error)
            except Exception:
                # A defect, and no reason to be without a broker: the next guard may do better.
                log.exception("embedded broker: lost the guard of %s", self._store.directory)
            self.role = Role.STARTING
            self.guard_deaths += 1
            pause = next_pause(pause, time.monotonic() - began)
            await asyncio.sleep(pause)

    async def _hold_guard(self) -> None:
        """Hold one guard until it dies; when cancelled, end it."""
        self._lifeline = lifeline = await self._start_guard()
        try:
            async for word in lifeline.words():
                self._hear(word)
        finally:
            await lifeline.release()
            self._lifeline = self.server = None

    async def _start_guard(self) -> Lifeline:
        server_log = self._store.open_log()
        try:
            return await Lifeline.start(
                self._store.directory, self._binary, stop_seconds=self._stop_seconds, log=server_log
            )
        finally:
            os.close(server_log)

    def _hear(self, word: Word) -> None:
        match word:
            case Waiting():
                self.role = Role.STANDBY
                self._end_orphan()
            case Started(pid):
                if self.role is Role.STANDBY:
                    log.info("embedded broker: took over %s, server %d", self._store.directory, pid)
                self.role = Role.SERVING
                self.server = pid
                self.server_starts += 1
            case Exited(status):
                log.warning("embedded broker: the server of %s died: %d", self._store.directory, status)
                self.server = None
                self.server_deaths += 1
            case _:
                assert_never(word)

    def _end_orphan(self) -> None:
        if (orphan := end_orphan(self._store.directory)) is not None:
            log.warning("embedded broker: ended %d, an orphan in %s", orphan, self._store.directory)
