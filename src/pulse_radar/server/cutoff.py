"""Cutting off a peer that does not let its connection end: closing waits for bytes that it may never read."""

import asyncio
from typing import Final

__all__ = ["CLOSE_SECONDS", "Cutoff"]

# So long a peer may take to answer our close, or to read what is unsent.
CLOSE_SECONDS: Final = 5.0


class Cutoff:
    """One connection's: of all the moments that are named, the earliest aborts its transport."""

    __slots__ = ("_is_over", "_timer")

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def after(self, seconds: float, transport: asyncio.Transport) -> None:
        if self._is_over:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, transport.abort)

    def close(self, transport: asyncio.Transport) -> None:
        """Close it, and do not wait for ever."""
        transport.close()
        self.after(CLOSE_SECONDS, transport)

    def over(self) -> None:
        """The connection is gone."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()

    def __repr__(self) -> str:
        state = (
            "over" if self._is_over else "not due" if self._timer is None else f"at {self._timer.when():.1f}"
        )
        return f"<Cutoff {state}>"
