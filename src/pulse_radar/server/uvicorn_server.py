"""uvicorn's server as `serve` runs it: on SIGTERM its clients leave before it ends, on Ctrl-C it just ends.

uvicorn itself stops listening, closes everybody at the same moment and waits. A process that is replaced can do
better: it still answers, with 503, while it sends its clients to the others one after the other.
"""

import asyncio
import signal
import socket
from types import FrameType
from typing import Final

import uvicorn

from pulse_radar.server.draining import drain_all

__all__ = ["DrainingServer"]

# A second signal is noticed so soon; uvicorn looks as often.
_LOOK_SECONDS: Final = 0.1


class DrainingServer(uvicorn.Server):
    """A uvicorn server that drains when it is asked to end by SIGTERM.

    A second signal ends the draining, and what follows is the end by Ctrl-C: under two seconds, everything closed.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        # From the first SIGTERM until clients have left, or may not take more time.
        self._is_draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._is_draining:
            self._is_draining = False
            return
        self._is_draining = sig == signal.SIGTERM and not self.should_exit
        super().handle_exit(sig, frame)

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
