"""The workers of `serve --workers`: processes that answer on one port, and another one wherever one dies.

All of them accept from the one socket that the command bound: what one had not accepted when it died, the others do.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Final

from pulse_radar.brokers.memory.siblings import WORKER_ENVIRONMENT
from pulse_radar.cli.loops import run
from pulse_radar.errors import PulseError

__all__ = ["Crew", "WorkerFailed", "run_crew"]

_log: Final = logging.getLogger("pulse_radar.cli")

# One that dies as soon as it serves costs a start each time, which is a second of a processor.
_PAUSE_SECONDS: Final = 1.0


class WorkerFailed(PulseError):
    """The first process in one of the places did not start."""


def run_crew(places: int, arguments: Sequence[str], listener: socket.socket) -> None:
    """Run so many `pulse-radar` commands with these arguments until a signal ends them. Raises: WorkerFailed."""
    ended_by = run(Crew(places, arguments, listener).work())
    if ended_by is signal.SIGTERM:
        # As uvicorn does when all is put away: a service manager sees that it ended as it was asked to.
        signal.raise_signal(ended_by)


class Crew:
    """Processes, each in its place. A signal that ends us ends all of them; they are in sessions of their own."""

    def __init__(self, places: int, arguments: Sequence[str], listener: socket.socket) -> None:
        """`arguments`: of the command, which is told the number of the socket by `--listener`."""
        self._places = places
        self._command = [sys.executable, "-m", "pulse_radar.cli", *arguments]
        self._listener = listener
        # Those that run, and which of them serve.
        self._serving: dict[asyncio.subprocess.Process, bool] = {}
        self._ended_by: signal.Signals | None = None
        self._failure: WorkerFailed | None = None

    async def work(self) -> signal.Signals:
        """Return when all have ended, with the last signal that asked for it. Raises: WorkerFailed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._pass_on, number)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._places):
                    group.create_task(self._fill())
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        if self._failure is not None:
            raise self._failure
        assert self._ended_by is not None, "nothing else ends them all"
        return self._ended_by

    async def _fill(self) -> None:
        """Have somebody in one place. Where the first does not serve, none will; later ones may wait for a broker."""
        is_first = True
        while self._ended_by is None:
            try:
                process, has_served = await self._live()
            except OSError as error:
                if is_first:
                    raise
                # No memory or no file for it now, as just after a worker was killed for that. The others serve on.
                _log.error("no worker could be started: %s", error)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if self._ended_by is not None:
                return
            if is_first and not has_served:
                self._give_up(process)
                return
            is_first = False
            _log.error(
                "worker %d has ended (%s): another takes its place", process.pid, _how(process.returncode)
            )
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _live(self) -> tuple[asyncio.subprocess.Process, bool]:
        """One process, from its start to its end; and whether it served."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                process = await self._start(theirs)
            self._serving[process] = False
            if self._ended_by is not None:
                self._ask_to_end(process, self._ended_by)
            try:
                has_served = await self._serves(ours, process)
                await process.wait()
            finally:
                del self._serving[process]
        return process, has_served

    async def _start(self, lifeline: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            "--listener",
            str(self._listener.fileno()),
            stdin=lifeline.fileno(),
            pass_fds=[self._listener.fileno()],
            env={**os.environ, **WORKER_ENVIRONMENT},
            start_new_session=True,
        )

    async def _serves(self, lifeline: socket.socket, process: asyncio.subprocess.Process) -> bool:
        """Whether it says that it serves, before it ends. What it leaves behind may hold its end of the line."""
        lifeline.setblocking(False)
        saying = asyncio.ensure_future(asyncio.get_running_loop().sock_recv(lifeline, 1))
        ending = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait({saying, ending}, return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                self._serving[process] = bool(saying.result() if saying.done() else lifeline.recv(1))
        finally:
            saying.cancel()
            ending.cancel()
        return self._serving[process]

    def _pass_on(self, number: signal.Signals) -> None:
        self._ended_by = number
        for process in self._serving:
            self._ask_to_end(process, number)

    def _ask_to_end(self, process: asyncio.subprocess.Process, number: signal.Signals) -> None:
        # Ctrl-C amid its start would be told with a traceback, and there are no clients yet that it could drain.
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number if self._serving[process] else signal.SIGTERM)

    def _give_up(self, process: asyncio.subprocess.Process) -> None:
        self._failure = WorkerFailed(
            f"worker {process.pid} did not start ({_how(process.returncode)}): see above"
        )
        self._pass_on(signal.SIGINT)

    def __repr__(self) -> str:
        return f"<Crew, {sum(self._serving.values())} of {self._places} serve>"


def _how(code: int | None) -> str:
    """How a process ended."""
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
