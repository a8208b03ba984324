"""Whether code of ours blocked an event loop: no call of it may compute for long without a pause.

Counted is the processor's time and not the clock's: on a busy machine a callback is often just not running. Who it was
is seen by a signal that comes as the processor's time passes; what the test itself computes, or asks of us a thousand
times in a row, is its own affair.
"""

import asyncio
import gc
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final, NamedTuple
from unittest import mock

__all__ = ["LIMIT_SECONDS", "LoopWatch"]

# So long a call may hold up everybody's heartbeats and pages. Less cannot be told from coverage, which makes a call
# three times as long, and from a machine that others use as well.
LIMIT_SECONDS: Final = 1.0

_LOOK_SECONDS: Final = 0.02

# The innermost ones; what is below the loop is pytest's.
_TOLD_FRAMES: Final = 12

_OURS: Final = str(Path(__file__).parents[1] / "src" / "pulse_radar")
_FOR_TESTS: Final = str(Path(_OURS) / "testing")


class Look(NamedTuple):
    """The call of ours that a callback was in: the outermost one, which stays the same as long as it lasts."""

    call: FrameType | None
    stack: str


class LoopWatch:
    """Watches the event loops of the main thread while it is on.

    It looks from within that thread, by a signal: to look at the stack of a thread that runs made CPython 3.11.7 crash.
    """

    def __init__(self) -> None:
        # Each call that blocked: for how long, and where it was.
        self.blocked: list[str] = []
        # What the looks at the callback that runs saw, None while none does.
        self._looks: list[Look] | None = None
        # The time that the garbage collector took of it: it comes in whoever's call it likes.
        self._collected = 0.0
        self._collecting_since = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        main = threading.get_ident()
        run = asyncio.Handle._run

        def watched(handle: asyncio.Handle) -> None:
            if threading.get_ident() != main:
                run(handle)
                return
            began = time.thread_time()
            self._looks, self._collected = [], 0.0
            try:
                run(handle)
            finally:
                looks, self._looks = self._looks, None
                self._judge(time.thread_time() - began - self._collected, looks)

        gc.callbacks.append(self._collect)
        before = signal.signal(signal.SIGVTALRM, self._look)
        signal.setitimer(signal.ITIMER_VIRTUAL, _LOOK_SECONDS, _LOOK_SECONDS)
        with mock.patch.object(asyncio.Handle, "_run", watched):
            yield
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        gc.callbacks.remove(self._collect)

    def _collect(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.thread_time()
        else:
            self._collected += time.thread_time() - self._collecting_since

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        if self._looks is not None:
            self._looks.append(_look_at(frame))

    def _judge(self, spent: float, looks: list[Look]) -> None:
        if spent <= LIMIT_SECONDS:
            return
        for call in {look.call for look in looks if look.call is not None}:
            mine = [look for look in looks if look.call is call]
            seconds = spent * len(mine) / len(looks)
            if seconds > LIMIT_SECONDS:
                self.blocked.append(f"{seconds:.2f} s without a pause:\n{mine[-1].stack}")


def _look_at(frame: FrameType | None) -> Look:
    """What is seen in this stack; nothing while something is imported, which is once and at the start."""
    call, places = None, []
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return Look(None, "")
        if file.startswith(_OURS) and not file.startswith(_FOR_TESTS):
            call = frame
        # Without the lines themselves: reading them would fill a cache, and some tests measure memory.
        places.append(f"  {file}:{frame.f_lineno} in {frame.f_code.co_qualname}")
        frame = frame.f_back
    if call is None:
        return Look(None, "")
    return Look(call, "\n".join(places[:_TOLD_FRAMES]))
