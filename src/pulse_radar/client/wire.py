"""One WebSocket to a server: opened with fresh credentials, and how it ended put into a close code."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from errno import ECONNREFUSED
from http import HTTPStatus
from ssl import SSLContext
from typing import Final, TypeAlias

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Close

from pulse_radar.client.address import Address, is_loopback
from pulse_radar.errors import Refused
from pulse_radar.protocol.close_codes import CloseCode, retry_reason

__all__ = ["LOST", "WIRE_ERRORS", "Dialling", "Ended", "Token", "ended_by", "fresh", "open_wire"]

# A token, or what fetches a fresh one before each attempt to connect.
Token: TypeAlias = str | Callable[[], str | Awaitable[str]]

_OPEN_SECONDS: Final = 10.0

# A server that is left because it stalls does not answer a close, either.
_CLOSE_SECONDS: Final = 0.5

# An event has at most a mebibyte.
_MAX_FRAME_BYTES: Final = 2 * 1024 * 1024

# What a handshake may be refused with for a while only; all else is refused for good.
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})


class Ended(msgspec.Struct, frozen=True):
    """How a connection ended, `why` for people."""

    code: int
    reason: str = ""
    why: str = ""


# Gone without a word (RFC 6455, section 7.1.5).
LOST: Final = 1006

# What an attempt to connect, or a connection, may end with.
WIRE_ERRORS: Final = (ConnectionClosed, InvalidHandshake, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Dialling:
    """Where a server is, and what it is shown. `ssl`: whom to trust; None: whom this system trusts."""

    address: Address
    token: Token | None
    headers: Mapping[str, str]
    ssl: SSLContext | None = None


@asynccontextmanager
async def open_wire(dialling: Dialling, query: str) -> AsyncIterator[ClientConnection]:
    """An open connection. Raises: one of WIRE_ERRORS, and what the token's function raises."""
    address, token = dialling.address, dialling.token
    bearer = {} if token is None else {"Authorization": f"Bearer {await fresh(token)}"}
    async with connect(
        address.with_query(query),
        additional_headers={**dialling.headers, **bearer},
        ssl=dialling.ssl or (True if address.scheme == "wss" else None),
        open_timeout=_OPEN_SECONDS,
        close_timeout=_CLOSE_SECONDS,
        # The heartbeat is in the frames; a proxy of the environment is for other machines.
        ping_interval=None,
        # Without a window of its own choice, so that a server may send the same bytes to all its clients.
        compression=None,
        extensions=[ClientPerMessageDeflateFactory(client_max_window_bits=True)],
        max_size=_MAX_FRAME_BYTES,
        proxy=None if is_loopback(address.host) else True,
    ) as connection:
        yield connection


def ended_by(error: Exception, address: Address) -> Ended:
    """The close that one of WIRE_ERRORS comes to. Raises: Refused, when the upgrade was refused for good."""
    match error:
        case ConnectionClosed(rcvd=Close() as close) | ConnectionClosed(sent=Close() as close):
            return Ended(close.code, close.reason, f"closed with {close.code}")
        case InvalidStatus(response=response):
            if response.status_code in _BUSY:
                wait = _retry_after(response.headers)
                return Ended(CloseCode.TRY_AGAIN_LATER, wait, f"HTTP {response.status_code}")
            text = (response.body or b"").decode(errors="replace").strip()[:300]
            raise Refused(
                f"{address} refuses the connection: {response.status_code} {text or response.reason_phrase}"
                f"{_remedy(response.status_code)}",
                response.status_code,
            )
        case ConnectionClosed():
            return Ended(LOST, why="cut off")
        case _:
            return Ended(LOST, why=_why(error))


async def fresh(token: Token) -> str:
    """A token to be shown now. Raises: what its function raises."""
    if isinstance(token, str):
        return token
    answer = token()
    return await answer if inspect.isawaitable(answer) else answer


def _why(error: Exception) -> str:
    # Where a name has several addresses, the errors of all of them are told as one.
    if f"[Errno {ECONNREFUSED}]" in str(error):
        return "connection refused"
    silence = "no sign of life" if isinstance(error, TimeoutError) else type(error).__name__
    return str(error) or silence


def _retry_after(headers: Mapping[str, str]) -> str:
    seconds = headers.get("Retry-After", "")
    return retry_reason(int(seconds) * 1_000) if seconds.isdecimal() and len(seconds) <= 4 else ""


def _remedy(status: int) -> str:
    return " (is the path right? It ends in /ws)" if status == HTTPStatus.NOT_FOUND else ""
