"""One connection of a client, whatever it speaks: on a transport, with the client's own timer, until it has ended."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, cast

import msgspec

__all__ = ["LOST", "OVERLOAD", "UNREADABLE", "Ended", "Hear", "Wire"]

LOST: Final = 1006
UNREADABLE: Final = 1007

# What a request may be refused with for a while (docs/PROTOCOL.md, "Who may connect").
OVERLOAD: Final = 503

# Told a frame and our own port, it says what to answer.
Hear = Callable[[bytes, int], str | None]


class Ended(msgspec.Struct, frozen=True):
    """How a connection ended. `stop` says what was so wrong that the client cannot go on by itself."""

    code: int
    reason: str = ""
    stop: str | None = None
    # The client's own port; 0 where there was no connection.
    port: int = 0


class Wire(asyncio.Protocol, ABC):
    """Tells `hear` each frame, until `ended` is done."""

    def __init__(self, hear: Hear, silence: Callable[[], float]) -> None:
        """`silence`: seconds without a frame after which it is given up."""
        self._hear = hear
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._heard_at = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        # The silence that the timer waits for.
        self._patience = 0.0
        self._is_asleep = False
        self.port = 0
        self.ended: asyncio.Future[Ended] = self._loop.create_future()

    @abstractmethod
    def _begin(self) -> None:
        """Ask for what is followed."""

    @abstractmethod
    def _farewell(self) -> bool:
        """Say that we go, where that can be said."""

    @abstractmethod
    def _answer(self, text: str) -> None:
        """Say this, where anything can be said."""

    @abstractmethod
    def _closed(self) -> Ended:
        """What is known of the end when the connection is gone."""

    def sleep(self) -> None:
        """Read nothing from now on."""
        if not self.ended.done() and not self._is_asleep:
            self._is_asleep = True
            self._transport.pause_reading()

    def murmur(self, text: str) -> None:
        """Show a sign of life, although nothing is read."""
        if not self.ended.done():
            self._answer(text)

    def wake(self) -> None:
        """Read again, first what has come meanwhile."""
        if not self.ended.done() and self._is_asleep:
            self._is_asleep = False
            self._heard_at = time.monotonic()
            self._transport.resume_reading()

    def hang_up(self, *, politely: bool) -> None:
        """End it from our side: with a word, or as a page that is gone."""
        if self.ended.done():
            return
        if politely and self._farewell():
            self._transport.close()
        else:
            self._transport.abort()
        self._end(Ended(LOST, "hung up"))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one, though not by its class.
        self._transport = cast(asyncio.Transport, transport)
        self.port = transport.get_extra_info("sockname")[1]
        self._begin()
        self._watch()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(self._closed())

    # What the wires share.

    def _heard(self) -> None:
        self._heard_at = time.monotonic()

    def _tell(self, text: bytes) -> None:
        """Hand on a frame. Raises: Unreadable."""
        answer = self._hear(text, self.port)
        if self._silence() != self._patience and self._timer is not None:
            # The greeting has just said how long a silence may be.
            self._timer.cancel()
            self._watch()
        if answer is not None:
            self._answer(answer)

    def _end(self, ended: Ended) -> None:
        if not self.ended.done():
            self.ended.set_result(msgspec.structs.replace(ended, port=self.port))
        if self._timer is not None:
            self._timer.cancel()
        # With what is still to be sent, a close frame: the far side may be dead, and nobody waits for it.
        self._transport.close()

    def _watch(self) -> None:
        if self._is_asleep:
            # Who does not listen hears nothing.
            self._heard()
        self._patience = self._silence()
        due = self._heard_at + self._patience
        if time.monotonic() >= due:
            # Not close(): a dead side would never take what is unsent.
            self._transport.abort()
            self._end(Ended(LOST, "silence"))
        else:
            self._timer = self._loop.call_later(due - time.monotonic() + 0.01, self._watch)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} from {self.port}>"
