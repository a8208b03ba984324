"""Whose turn it is to be served: one after the other, within a share of the time, and the loop runs in between.

What clients ask is work that they choose: a frame to be heeded, the next page of a replay. Whoever asks much waits for
the others who do; for all of them together nobody waits who is only sent what is new.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from pulse_radar.server.share import SLICE_SECONDS, Share

__all__ = ["Turns", "turns_here"]

# Timers of the loop are of milliseconds: what is to be done sooner is done as soon as the loop has run.
_SOON_SECONDS: Final = 0.0005

_of_loops: Final = WeakKeyDictionary[asyncio.AbstractEventLoop, "Turns"]()


def turns_here() -> "Turns":
    """Those of the running loop, whose time they share."""
    loop = asyncio.get_running_loop()
    turns = _of_loops.get(loop)
    if turns is None:
        turns = _of_loops[loop] = Turns()
    return turns


class Turns:
    """Those who ask, in the order in which they did.

    Guarantee: between two turns of one, everybody who asked before had one.
    """

    def __init__(self) -> None:
        self._share = Share()
        self._waiting: deque[Callable[[], None]] = deque()
        # `_serve` is on its way.
        self._is_due = False
        self._is_serving = False
        # When the slice began that is under way, None while there is none.
        self._began: float | None = None

    def ask(self, serve: Callable[[], None]) -> None:
        """Call this when it is its turn. Asked again it has another turn."""
        self._waiting.append(serve)
        self._come_again()

    def ask_at_once(self, serve: Callable[[], None]) -> None:
        """The same; its turn is now if nobody else waits, or is being served, and there is time."""
        if self._waiting or self._is_serving or not self._may_serve():
            self.ask(serve)
        else:
            self._serve(serve)

    def events_came(self) -> None:
        """Events are handed on, which go before whatever is asked."""
        self._share.events_came(time.monotonic())

    def _serve_some(self) -> None:
        self._is_due = False
        try:
            while self._waiting and self._may_serve():
                self._serve(self._waiting.popleft())
        finally:
            self._come_again()

    def _may_serve(self) -> bool:
        """Whether a slice has some time left; one begins where it may."""
        now = time.monotonic()
        if self._began is not None:
            return now < self._began + SLICE_SECONDS
        if now < self._share.opens_at(now):
            return False
        self._began = now
        # What follows from it is done within the next turns of the loop: writes, and the first steps of tasks.
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._end_slice)
        return True

    def _serve(self, serve: Callable[[], None]) -> None:
        self._is_serving = True
        try:
            serve()
        finally:
            self._is_serving = False

    def _end_slice(self) -> None:
        assert self._began is not None, "it is on its way because one began"
        self._share.spend(self._began, time.monotonic())
        self._began = None
        self._come_again()

    def _come_again(self) -> None:
        """Unless that is on its way, or nobody waits."""
        if self._is_due or self._began is not None or not self._waiting:
            return
        self._is_due = True
        now, loop = time.monotonic(), asyncio.get_running_loop()
        pause = self._share.opens_at(now) - now
        if pause < _SOON_SECONDS:
            loop.call_soon(self._serve_some)
        else:
            loop.call_later(pause, self._serve_some)

    def __len__(self) -> int:
        """How many turns are waited for."""
        return len(self._waiting)

    def __repr__(self) -> str:
        return f"<Turns, {len(self._waiting)} wait>"
