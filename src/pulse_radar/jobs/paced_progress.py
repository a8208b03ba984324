"""How far a job is: said as often as it likes, from any thread, and told as often as others can follow."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from pulse_radar.jobs.life import Progress
from pulse_radar.jobs.pace import Pace
from pulse_radar.jobs.texts import told_text

__all__ = ["PacedProgress"]


class PacedProgress:
    """The newest progress of one run. Made in the event loop, where `tell` is called."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._pace = Pace()
        # What is made in another thread.
        self._lock = threading.Lock()
        self._newest: Progress | None = None
        # It is on its way to be told.
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self._has_ended = False

    def make(self, done: float, total: float | None, message: str | None) -> None:
        """It is so far; what is not given stays as it was. From any thread."""
        with self._lock:
            self._newest = _after(self._newest, done, total, message)
            if self._is_due:
                return
            self._is_due = True
        # A worker that ends has closed its loop: nobody is told any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._pace_out)

    def end(self) -> None:
        """Nothing more comes: the last is told, however soon after the one before."""
        if self._timer is not None:
            self._timer.cancel()
        if self._is_due:
            self._tell_newest()
        self._has_ended = True

    def __repr__(self) -> str:
        newest = self._newest
        so_far = "nothing" if newest is None else f"{newest.done:g} of {newest.total}"
        return f"<PacedProgress {so_far}{', is due' if self._is_due else ''}>"

    def _pace_out(self) -> None:
        if self._has_ended:
            return
        delay = self._pace.due_in(time.monotonic())
        if delay > 0:
            self._timer = self._loop.call_later(delay, self._tell_newest)
        else:
            self._tell_newest()

    def _tell_newest(self) -> None:
        with self._lock:
            self._is_due = False
            newest = self._newest
        if newest is not None:
            self._pace.told(time.monotonic())
            self._tell(newest)


def _after(before: Progress | None, done: float, total: float | None, message: str | None) -> Progress:
    if before is not None:
        total = before.total if total is None else total
        message = before.message if message is None else message
    return Progress(
        number=1 if before is None else before.number + 1,
        at=datetime.now(UTC),
        done=done,
        total=total,
        message=None if message is None else told_text(message),
    )
