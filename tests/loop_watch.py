"""Whether code of ours blocked an event loop: no callback may compute for long without a pause.

Counted is the processor's time and not the clock's: on a busy machine a callback is often just not running. Who it was
is seen by a thread that looks at the stack of a long callback; what only the test itself computes is its own affair.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import StackSummary
from types import FrameType
from typing import Final
from unittest import mock

__all__ = ["LoopWatch"]

# Two frames of a page at 60 Hz would be noticed; this much, under coverage, is a defect on any machine.
LIMIT_SECONDS: Final = 0.25

_LOOK_SECONDS: Final = 0.02

# From the loop to where it was; what is below is pytest's.
_TOLD_FRAMES: Final = 12

_OURS: Final = str(Path(__file__).parents[1] / "src" / "pulse_radar")
_FOR_TESTS: Final = str(Path(_OURS) / "testing")


class LoopWatch:
    """Watches every event loop of this process while it is on."""

    def __init__(self) -> None:
        # Each callback that blocked: how long, and the stack of ours that it was seen in.
        self.blocked: list[str] = []
        # By thread, what each look at the callback that runs there saw: a stack of ours, or None.
        self._seen: dict[int, list[StackSummary | None]] = {}
        self._is_on = True

    @contextmanager
    def watching(self) -> Iterator[None]:
        looking = threading.Thread(target=self._look, name="loop watch", daemon=True)
        looking.start()
        run = asyncio.Handle._run

        def watched(handle: asyncio.Handle) -> None:
            thread = threading.get_ident()
            began = time.thread_time()
            self._seen[thread] = []
            try:
                run(handle)
            finally:
                seen = self._seen.pop(thread, [])
                spent = time.thread_time() - began
                if spent > LIMIT_SECONDS:
                    self._judge(spent, handle, seen)

        with mock.patch.object(asyncio.Handle, "_run", watched):
            yield
        self._is_on = False
        looking.join()

    def _look(self) -> None:
        while self._is_on:
            time.sleep(_LOOK_SECONDS)
            frames = sys._current_frames()
            for thread, seen in tuple(self._seen.items()):
                ours = _ours(frames.get(thread))
                seen.append(None if ours is None else traceback.extract_stack(ours))

    def _judge(self, spent: float, handle: asyncio.Handle, seen: Sequence[StackSummary | None]) -> None:
        ours = [stack for stack in seen if stack is not None]
        if len(ours) > len(seen) / 2:
            text = "".join(ours[0].format()[-_TOLD_FRAMES:])
            self.blocked.append(f"{spent:.2f} s without a pause, in {handle!r}:\n{text}")


def _ours(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of ours in this stack; none while something is imported, which is once and at the start."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith("<frozen importlib"):
            return None
        if file.startswith(_OURS) and not file.startswith(_FOR_TESTS):
            return frame
        frame = frame.f_back
    return None
