"""The real nats-server as a child process, for as long as somebody owns it.

Any number of processes may own the server of one data directory. Each has a guard (`guard.py`); the guard
that has the directory's lock serves and the others stand by, so that the survivors take over the same port
and the same events whenever an owner, a guard or the server dies, however it dies.
"""

import asyncio
import logging
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from pulse_radar.brokers.embedded import trouble
from pulse_radar.brokers.embedded.binary import find_binary
from pulse_radar.brokers.embedded.keeper import Keeper, Role
from pulse_radar.brokers.embedded.kept import HOST, Kept
from pulse_radar.brokers.embedded.probe import is_answering
from pulse_radar.brokers.embedded.record import server_pid
from pulse_radar.brokers.embedded.settings import EmbeddedSettings
from pulse_radar.brokers.embedded.store import Store
from pulse_radar.brokers.embedded.vigil import watch
from pulse_radar.errors import BrokerRefused, BrokerUnavailable, UsageError
from pulse_radar.tasks import ended

__all__ = ["EmbeddedServer", "EmbeddedStats"]

log = logging.getLogger(__name__)

# A start takes tens of milliseconds; looking costs a tenth of one.
POLL_SECONDS = 0.01


class EmbeddedStats(msgspec.Struct, frozen=True):
    """An owner at one moment. Deaths are those that nobody asked for."""

    role: Role
    directory: Path
    port: int | None
    guard_pid: int | None
    server_pid: int | None
    server_starts: int
    server_deaths: int
    guard_deaths: int


class EmbeddedServer:
    """Owns the server of a data directory, alone or with others. Used as an async context manager, once.

    Guarantee: inside the block a server answers at `url`, and when it dies the next one does, with the same
    address and the same events; after the block nothing of ours runs.
    """

    def __init__(self, settings: EmbeddedSettings | None = None) -> None:
        self._settings = settings or EmbeddedSettings()
        self._store = Store(self._settings.directory)
        self._is_entered = False
        self._kept: Kept | None = None  # from entering on
        self._keeper: Keeper | None = None  # likewise
        self._vigil: asyncio.Task[None] | None = None  # likewise

    async def __aenter__(self) -> Self:
        """Return once a server answers, whoever serves it.

        Raises: BrokerRefused (no binary or too old, directory unusable, port taken), BrokerUnavailable (none
        answered within `start_seconds`).
        """
        if self._is_entered:
            raise UsageError(f"{self!r} was entered already: make another")
        self._is_entered = True
        self._store.make()
        binary = await find_binary(self._settings.binary)
        try:
            await self._start(binary)
        except BaseException:
            await self._stop()
            raise
        log.info("embedded broker: %s %s at %s:%d", self.stats().role, self.directory, HOST, self.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop our guard, and the server if ours served it; then another owner's takes over."""
        await self._stop()

    def __repr__(self) -> str:
        role = self._keeper.role if self._keeper is not None else Role.STOPPED
        port = f" port {self._kept.port}" if self._kept is not None else ""
        return f"<EmbeddedServer {role} {self.directory}{port}>"

    @property
    def directory(self) -> Path:
        """Where the data is; absolute."""
        return self._store.directory

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, the same for ever in one directory. Raises: UsageError, before entering."""
        return self._need_kept().port

    @property
    def url(self) -> str:
        """The address with the token in it: a secret, good as long as the directory. Raises: UsageError."""
        return self._need_kept().url

    def stats(self) -> EmbeddedStats:
        keeper = self._keeper
        return EmbeddedStats(
            role=keeper.role if keeper is not None else Role.STOPPED,
            directory=self.directory,
            port=self._kept.port if self._kept is not None else None,
            guard_pid=keeper.guard_pid if keeper is not None else None,
            server_pid=server_pid(self.directory),
            server_starts=keeper.server_starts if keeper is not None else 0,
            server_deaths=keeper.server_deaths if keeper is not None else 0,
            guard_deaths=keeper.guard_deaths if keeper is not None else 0,
        )

    def _need_kept(self) -> Kept:
        if self._kept is None:
            raise UsageError(f"{self!r} was not entered: it has no address yet")
        return self._kept

    async def _start(self, binary: Path) -> None:
        seconds = self._settings.start_seconds
        try:
            async with asyncio.timeout(seconds):
                self._kept = await self._keep()
                self._store.configure(self._kept, self._settings.sync_interval_seconds)
                self._keeper = Keeper(self._store, binary, self._settings.stop_seconds)
                self._keeper.start()
                self._vigil = asyncio.create_task(
                    self._watch(self._kept, self._keeper), name=f"vigil over {self.directory}"
                )
                await self._until_answering(self._kept, self._keeper)
        except TimeoutError as error:
            raise BrokerUnavailable(f"no server within {seconds:g} s: {self._why_not()}") from error

    async def _keep(self) -> Kept:
        # Another process mends an unreadable state, or serves with it: there is no event for either.
        while True:
            if (kept := self._store.keep()) is not None:
                return kept
            await asyncio.sleep(POLL_SECONDS)

    async def _until_answering(self, kept: Kept, keeper: Keeper) -> None:
        while keeper.role is Role.STARTING or not await is_answering(kept):
            if keeper.is_hopeless:
                raise BrokerRefused(self._why_not())
            await asyncio.sleep(POLL_SECONDS)

    def _why_not(self) -> str:
        if self._kept is None:
            return trouble.unreadable(self._store)
        if self._keeper is not None and self._keeper.role is Role.STANDBY:
            return trouble.silent(self._store, self._kept)
        return trouble.broken(self._store, self._kept)

    async def _watch(self, kept: Kept, keeper: Keeper) -> None:
        await watch(self._store, kept, lambda: keeper.server, self._settings.silent_seconds)

    async def _stop(self) -> None:
        try:
            if self._vigil is not None:
                self._vigil.cancel()
                await ended(self._vigil)
        finally:
            if self._keeper is not None:
                await self._keeper.stop()
