"""Whether code of ours blocked an event loop: no call of it may compute for long without a pause.

Counted is the processor's time and not the clock's: on a busy machine a callback is often just not running. Who it was
is seen by a thread that looks at the stack of a long callback; what the test itself computes, or asks of us a thousand
times in a row, is its own affair.
"""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterator, Sequence
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

# A callback is looked at when it has lasted so long, which hardly any does: to look at the stack of a thread that runs
# is not always safe. CPython 3.11.7 crashed after minutes of it.
_SUSPICIOUS_SECONDS: Final = 0.3

# The innermost ones; what is below the loop is pytest's.
_TOLD_FRAMES: Final = 12

_OURS: Final = str(Path(__file__).parents[1] / "src" / "pulse_radar")
_FOR_TESTS: Final = str(Path(_OURS) / "testing")


class Look(NamedTuple):
    """The call of ours that a callback was in: the outermost one, which stays the same as long as it lasts."""

    call: FrameType | None
    stack: str


class LoopWatch:
    """Watches every event loop of this process while it is on."""

    def __init__(self) -> None:
        # Each call that blocked: for how long, and where it was.
        self.blocked: list[str] = []
        # By thread, when the callback that runs there began, and what the looks at it saw.
        self._began: dict[int, float] = {}
        self._looks: dict[int, list[Look]] = {}
        self._is_over = threading.Event()
        # By thread, the time that the garbage collector took of its callback: it comes in whoever's call it likes.
        self._collected: dict[int, float] = {}
        self._collecting_since = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        looking = threading.Thread(target=self._look, name="loop watch", daemon=True)
        looking.start()
        run = asyncio.Handle._run

        def watched(handle: asyncio.Handle) -> None:
            thread = threading.get_ident()
            began = time.thread_time()
            self._looks[thread] = []
            self._began[thread] = time.monotonic()
            self._collected[thread] = 0.0
            try:
                run(handle)
            finally:
                self._began.pop(thread, None)
                looks = self._looks.pop(thread, [])
                spent = time.thread_time() - began - self._collected.pop(thread, 0.0)
                if spent > LIMIT_SECONDS:
                    self._judge(spent, looks)

        gc.callbacks.append(self._collect)
        with mock.patch.object(asyncio.Handle, "_run", watched):
            yield
        gc.callbacks.remove(self._collect)
        self._is_over.set()
        looking.join()

    def _collect(self, phase: str, _info: dict[str, int]) -> None:
        thread = threading.get_ident()
        if phase == "start":
            self._collecting_since = time.thread_time()
        elif thread in self._collected:
            self._collected[thread] += time.thread_time() - self._collecting_since

    def _look(self) -> None:
        # Waited for, not slept through: most tests are over sooner.
        while not self._is_over.wait(_LOOK_SECONDS):
            since = time.monotonic() - _SUSPICIOUS_SECONDS
            long = [thread for thread, began in tuple(self._began.items()) if began < since]
            frames = sys._current_frames() if long else {}
            for thread in long:
                # None, where it is over by now.
                looks = self._looks.get(thread)
                if looks is not None:
                    looks.append(_look_at(frames.get(thread)))

    def _judge(self, spent: float, looks: Sequence[Look]) -> None:
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
