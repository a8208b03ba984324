"""One connection after another to a server, for ever: the shell around following and returning."""

import asyncio
import random
import time
from typing import Final

import typer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from pulse_radar.cli.listening import is_loopback
from pulse_radar.cli.tailing.address import Address
from pulse_radar.cli.tailing.following import Following
from pulse_radar.cli.tailing.printing import Print
from pulse_radar.cli.tailing.returning import Returning
from pulse_radar.errors import ProtocolError, PulseError
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import decode_server, encode_client
from pulse_radar.protocol.frames import Connected, ErrorFrame

__all__ = ["Refused", "Tail"]

# A server says something at least once in its ping interval. A quarter of it later it is dead, or the way to it is.
_SILENCE: Final = 1.25
_PING_INTERVAL_SECONDS: Final = 20.0

_OPEN_SECONDS: Final = 10.0

# A server that is left because it stalls does not answer a close, either.
_CLOSE_SECONDS: Final = 0.5

# An event has at most a mebibyte.
_MAX_FRAME_BYTES: Final = 2 * 1024 * 1024

# Gone without a word (RFC 6455, section 7.1.5).
_LOST: Final = 1006

# What the handshake may be refused with for a while only.
_BUSY: Final = frozenset({429, 500, 502, 503, 504})


class Refused(PulseError):
    """The server does not serve us, and trying again changes nothing."""


class Tail:
    """Prints what a following hears, over any number of connections."""

    def __init__(self, address: Address, following: Following, show: Print) -> None:
        self._address = address
        self._following = following
        self._show = show
        self._returning = Returning(random.random)
        self._was_connected = False
        # The server's word; until it says it, the decision record's.
        self._ping_interval = _PING_INTERVAL_SECONDS

    async def run(self) -> None:
        """Follow until the server says that it is done. Raises: Refused."""
        while (pause := await self._connect()) is not None:
            typer.echo(f"lost {self._address}: coming back in {pause:.1f} s", err=True)
            await asyncio.sleep(pause)

    async def _connect(self) -> float | None:
        """One connection from its beginning to its end; seconds to wait before the next one."""
        began_at = time.monotonic()
        try:
            async with connect(
                self._address.with_query(self._following.query),
                open_timeout=_OPEN_SECONDS,
                close_timeout=_CLOSE_SECONDS,
                # The heartbeat is in the frames; a proxy of the environment is for other machines.
                ping_interval=None,
                compression=None,
                max_size=_MAX_FRAME_BYTES,
                proxy=None if is_loopback(self._address.host) else True,
            ) as connection:
                await self._listen(connection)
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (_LOST, "")
            return self._come_back(code, reason, time.monotonic() - began_at)
        except InvalidStatus as error:
            self._check_status(error)
        except (OSError, TimeoutError, InvalidHandshake, InvalidURI) as error:
            self._check_first(error)
        return self._come_back(_LOST, "", time.monotonic() - began_at)

    async def _listen(self, connection: ClientConnection) -> None:
        while True:
            async with asyncio.timeout(self._ping_interval * _SILENCE):
                text = await connection.recv(decode=True)
            await self._heed(connection, text)

    async def _heed(self, connection: ClientConnection, text: str | bytes) -> None:
        try:
            frame = decode_server(text)
        except ProtocolError as error:
            raise Refused(f"{self._address} does not speak our protocol: {error}") from error
        if isinstance(frame, Connected):
            self._was_connected = True
            self._ping_interval = frame.ping_interval
        heeded = self._following.heed(frame)
        if isinstance(frame, ErrorFrame):
            self._tell(frame)
        for reply in heeded.replies:
            await connection.send(encode_client(reply).decode())
        if heeded.is_shown:
            self._show(frame, text if isinstance(text, str) else text.decode())

    def _tell(self, error: ErrorFrame) -> None:
        if self._following.is_refused:
            raise Refused(error.message)
        typer.echo(f"error: {error.message}", err=True)

    def _come_back(self, code: int, reason: str, held_seconds: float) -> float | None:
        pause = self._returning.closed(code, reason, held_seconds)
        if pause is None and code != 1000:
            raise Refused(
                f"{self._address} closed the connection for good: {code} {reason or _meaning(code)}"
            )
        return pause

    def _check_status(self, error: InvalidStatus) -> None:
        response = error.response
        if response.status_code not in _BUSY:
            text = (response.body or b"").decode(errors="replace").strip()[:300]
            raise Refused(
                f"{self._address} refuses the connection: {response.status_code} {text or response.reason_phrase}"
            ) from error

    def _check_first(self, error: Exception) -> None:
        # Nobody there at all is a mistake in the address, or a server to be started; one that was there comes back.
        if not self._was_connected:
            raise Refused(
                f"nobody answers at {self._address} ({str(error) or type(error).__name__}): "
                "start `pulse-radar serve`, or name the server with --url"
            ) from error


def _meaning(code: int) -> str:
    try:
        return CloseCode(code).name.lower().replace("_", " ")
    except ValueError:
        return "(no reason given)"
