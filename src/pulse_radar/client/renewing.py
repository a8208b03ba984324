"""Fresh credentials for a connection that is open, before those that it was opened with run out."""

import asyncio
import logging
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from pulse_radar.client.wire import Token, fresh
from pulse_radar.protocol.codec import encode_client
from pulse_radar.protocol.frames import Authenticate

__all__ = ["Renewing", "pause_seconds"]

_log: Final = logging.getLogger("pulse_radar.client")

# Of what is left, so much is for whoever answers slowly; a minute is enough.
_RESERVE_SHARE: Final = 0.2
_RESERVE_SECONDS: Final = 60.0

# A token that its function keeps handing out is not shown more often.
_SHORTEST_SECONDS: Final = 1.0


def pause_seconds(left_seconds: float) -> float:
    """How long to wait, where credentials hold for so long."""
    return max(_SHORTEST_SECONDS, left_seconds - min(_RESERVE_SECONDS, left_seconds * _RESERVE_SHARE))


class Renewing:
    """Shows a fresh token on one connection each time that the server has said for how long the last one holds.

    Where it comes too late, or does not hold, the server closes with 4101, and the next connection brings another.
    """

    def __init__(self, token: Token | None) -> None:
        # A text stays the same: there is nothing to renew it with.
        self._token = token if callable(token) else None
        self._task: asyncio.Task[None] | None = None

    def hold_for(self, seconds: int | None, connection: ClientConnection) -> None:
        """The server has said so."""
        self.stop()
        if self._token is not None and seconds is not None:
            self._task = asyncio.create_task(self._renew(self._token, seconds, connection))

    def check(self) -> None:
        """Raises: what the token's function raised."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _renew(self, token: Token, left_seconds: int, connection: ClientConnection) -> None:
        await asyncio.sleep(pause_seconds(left_seconds))
        try:
            frame = Authenticate(await fresh(token))
            await connection.send(encode_client(frame).decode())
        except (OSError, TimeoutError) as error:
            _log.warning("no fresh token: %r", error)
        except ConnectionClosed:
            return
