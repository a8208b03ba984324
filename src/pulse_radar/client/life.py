"""The life of a client: one connection after the other, until it is done, refused, or nobody wants it any more."""

import asyncio
import logging
import time
from typing import Final, Literal, TypeAlias

from websockets.asyncio.client import ClientConnection

from pulse_radar.client.buffer import Buffer
from pulse_radar.client.following import Following
from pulse_radar.client.refusals import refused, unreachable
from pulse_radar.client.renewing import Renewing
from pulse_radar.client.returning import Returning
from pulse_radar.client.wire import LOST, WIRE_ERRORS, Dialling, Ended, ended_by, open_wire
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import decode_server, encode_client
from pulse_radar.protocol.frames import AuthAccepted, Connected, Pong

__all__ = ["Life", "LifeState"]

LifeState: TypeAlias = Literal["connecting", "open", "waiting", "ended"]

_log: Final = logging.getLogger("pulse_radar.client")

# The decision record's intervals, until a server says its own.
_PING_SECONDS: Final = 20.0
_PONG_SECONDS: Final = 30.0


class Life:
    """Carries what a server says to whoever follows: into the buffer, which is closed with how it all ended."""

    def __init__(
        self, dialling: Dialling, following: Following, buffer: Buffer, returning: Returning
    ) -> None:
        self.state: LifeState = "connecting"
        self.connections = 0
        self._dialling = dialling
        self._following = following
        self._buffer = buffer
        self._returning = returning
        self._renewing = Renewing(dialling.token)
        # Where it begins is known, or that it never will.
        self._has_begun = asyncio.Event()
        # When the connection was greeted; None before that.
        self._greeted_at: float | None = None
        self._ping_seconds, self._pong_seconds = _PING_SECONDS, _PONG_SECONDS

    async def until_begun(self) -> None:
        """Return when it is known of every feed where it begins, or that it never will be."""
        await self._has_begun.wait()

    async def live(self) -> None:
        """Connect, converse, come back. Raises: nothing, whoever iterates is told."""
        end: BaseException = StopAsyncIteration()
        try:
            while (pause := self._pause_after(ended := await self._converse())) is not None:
                await self._wait(pause, ended.why)
        except Exception as error:  # noqa: BLE001 (raised by whoever iterates)
            end = error
        finally:
            self.state = "ended"
            self._buffer.close(end)
            self._has_begun.set()

    def __repr__(self) -> str:
        return f"<Life {self.state}, {self.connections} connections so far>"

    async def _converse(self) -> Ended:
        """One connection, from its beginning to its end."""
        self.state = "connecting"
        self._greeted_at = None
        try:
            async with open_wire(self._dialling, self._following.query()) as connection:
                while True:
                    await self._until_room(connection)
                    async with asyncio.timeout(self._pong_seconds):
                        await self._heed(connection, await connection.recv(decode=False))
                    self._renewing.check()
        except WIRE_ERRORS as error:
            ended = ended_by(error, self._dialling.address)
            if ended.code == LOST and self.connections == 0:
                raise unreachable(error, self._dialling.address) from error
            return ended
        finally:
            self._renewing.stop()

    async def _until_room(self, connection: ClientConnection) -> None:
        """Wait for whoever iterates. The server need not wait for signs of life meanwhile."""
        while not self._buffer.has_room:
            try:
                async with asyncio.timeout(self._ping_seconds):
                    await self._buffer.wait_room()
            except TimeoutError:
                await connection.send(encode_client(Pong()).decode())

    async def _heed(self, connection: ClientConnection, text: bytes) -> None:
        frame = decode_server(text)
        if isinstance(frame, Connected):
            self._greeted(frame)
        elif isinstance(frame, AuthAccepted):
            self._renewing.hold_for(frame.expires_in, connection)
        heeded = self._following.heed(frame)
        self._buffer.put(heeded.steps, len(text))
        if heeded.refusal is not None:
            raise heeded.refusal
        for reply in heeded.replies:
            await connection.send(encode_client(reply).decode())
        if self._following.is_standing or not self._buffer.has_room:
            self._has_begun.set()

    def _greeted(self, frame: Connected) -> None:
        self.state = "open"
        self.connections += 1
        self._greeted_at = time.monotonic()
        self._ping_seconds, self._pong_seconds = frame.ping_interval, frame.pong_timeout

    def _pause_after(self, ended: Ended) -> float | None:
        """Seconds to wait before the next connection; None: it is done. Raises: Refused."""
        pause = self._returning.closed(ended.code, ended.reason, self._held_seconds())
        if pause is None and ended.code != CloseCode.NORMAL:
            raise refused(ended, self._dialling.address)
        return pause

    def _held_seconds(self) -> float:
        """How long the connection held, from its greeting: an attempt that hung for long has not."""
        return 0.0 if self._greeted_at is None else time.monotonic() - self._greeted_at

    async def _wait(self, seconds: float, why: str) -> None:
        self.state = "waiting"
        what = "no connection to %s yet" if self._greeted_at is None else "lost %s"
        _log.warning(f"{what} (%s): coming back in %.1f s", self._dialling.address, why, seconds)
        await asyncio.sleep(seconds)
