"""Whose next page of a replay it is: one after the other, and the loop runs in between."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ["Turns"]

# So long pages are given out before the loop does something else. A page of a thousand events is one to three
# milliseconds, so one or two of them; live events wait no longer for it, however many clients are behind.
_SLICE_SECONDS: Final = 0.002


class Turns:
    """Clients with room for more, in the order in which they had it.

    Who asks for the same history again and again, as fast as it comes, has a page for each of everybody else's.
    """

    def __init__(self, give: Callable[[str], None]) -> None:
        """`give` hands a connection its next page."""
        self._give = give
        self._waiting: deque[str] = deque()
        # `_give_some` is on its way.
        self._is_due = False

    def ask(self, connection_id: str) -> None:
        """It has room. Asked again it has another turn."""
        self._waiting.append(connection_id)
        if not self._is_due:
            self._come_again()

    def _give_some(self) -> None:
        ends_at = time.perf_counter() + _SLICE_SECONDS
        try:
            while self._waiting:
                self._give(self._waiting.popleft())
                if time.perf_counter() >= ends_at:
                    break
        finally:
            self._is_due = False
            if self._waiting:
                self._come_again()

    def _come_again(self) -> None:
        self._is_due = True
        asyncio.get_running_loop().call_soon(self._give_some)

    def __repr__(self) -> str:
        return f"<Turns, {len(self._waiting)} wait>"
