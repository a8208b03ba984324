"""uvicorn's server as `serve` runs it: on SIGTERM its clients leave before it ends, on Ctrl-C it just ends.

uvicorn itself stops listening, closes everybody at the same moment and waits. A process that is replaced can do
better: it still answers, with 503, while it sends its clients to the others one after the other.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final

import uvicorn
from uvicorn.lifespan.on import LifespanOn, LifespanSendMessage

from pulse_radar.server.draining import drain_all

__all__ = ["DrainingServer"]

# A second signal is noticed so soon; uvicorn looks as often.
_LOOK_SECONDS: Final = 0.1

# An app that was told to end its start has so long for it before it is told again.
_INSIST_SECONDS: Final = 1.0


class DrainingServer(uvicorn.Server):
    """A uvicorn server that drains when it is asked to end by SIGTERM.

    A second signal ends the draining, and what follows is the end by Ctrl-C: under two seconds, everything closed.
    """

    def __init__(self, config: uvicorn.Config, on_serving: Callable[[], None]) -> None:
        """`on_serving`: called when the app has started, and requests are answered."""
        super().__init__(config)
        self._on_serving = on_serving
        # From the first SIGTERM until clients have left, or may not take more time.
        self._is_draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._is_draining:
            self._is_draining = False
            return
        self._is_draining = sig == signal.SIGTERM and not self.should_exit
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, unless a signal comes first: the app may be waiting for a broker that is away."""
        if not isinstance(self.lifespan, LifespanOn):
            await super().startup(sockets)
            self._on_serving()
            return
        self.lifespan = lifespan = _Lifespan(self.config)
        heeding = asyncio.create_task(self._heed_signals(lifespan))
        try:
            await super().startup(sockets)
        except SystemExit:
            if not lifespan.is_given_up:
                raise
        finally:
            heeding.cancel()
            await asyncio.gather(heeding, return_exceptions=True)
        # What is there now stays: to look through all of it for garbage, as Python does when many come and go, took
        # 70 to 110 ms each time, in which no event goes out.
        gc.collect()
        gc.freeze()
        if self.started:
            self._on_serving()

    async def _heed_signals(self, lifespan: "_Lifespan") -> None:
        while not self.should_exit:  # noqa: ASYNC110 (a signal handler tells no event)
            await asyncio.sleep(_LOOK_SECONDS)
        # Again and again: Python 3.11's wait_for, which the client of the broker uses, can swallow a cancellation.
        while True:
            lifespan.give_up()
            await asyncio.sleep(_INSIST_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._is_draining:
            await self._drain()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        draining = asyncio.create_task(drain_all())
        while self._is_draining and not draining.done():
            await asyncio.wait([draining], timeout=_LOOK_SECONDS)
        self._is_draining = False
        draining.cancel()
        await asyncio.gather(draining, return_exceptions=True)


class _Lifespan(LifespanOn):
    """The app's start as uvicorn carries it, which can be given up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_given_up = False
        self._carrier: asyncio.Task[None] | None = None

    def give_up(self) -> None:
        """End the start, with everything that it had begun."""
        if not self.startup_event.is_set() and self._carrier is not None:
            self.is_given_up = self.startup_failed = True
            self._carrier.cancel()

    async def main(self) -> None:
        self._carrier = asyncio.current_task()
        await super().main()

    async def send(self, message: LifespanSendMessage) -> None:
        # That it failed is no news, and no error with a traceback.
        if not self.is_given_up:
            await super().send(message)
