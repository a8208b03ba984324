"""One connection to a NATS server from its opening to its loss; it is never revived.

The client library can reconnect by itself, but then what was written meanwhile is sent later behind the
caller's back, a black-holed link can hang in its reconnecting (nats.py #671), and some errors of a server
end it for good. A new client for each connection has none of this.
"""

import asyncio
import contextlib
import logging
import re
import ssl
from collections.abc import Callable
from typing import Final

import nats.errors

from pulse_radar.broker_url import place
from pulse_radar.brokers.nats.access import Access
from pulse_radar.brokers.nats.client import SecureClient
from pulse_radar.brokers.nats.wire import MessageCallback, Wire
from pulse_radar.brokers.nats.wire_format import Outgoing
from pulse_radar.errors import BrokerError, BrokerRefused, BrokerUnavailable

__all__ = ["Refusal", "Session"]

_logger: Final = logging.getLogger(__name__)

# Told of what a server does not permit: "publish" or "subscription", and the subject in lower case.
Refusal = Callable[[str, str], None]

# Streams with a first sequence and batches of Direct Get work from here on.
_OLDEST_SERVER: Final = (2, 11)

# Two unanswered pings, two seconds apart: a dead link is noticed within six seconds.
_PING_SECONDS: Final = 2
_UNANSWERED_PINGS: Final = 2

# How often we look whether the client gave up: on a black-holed link its own close never ends to tell us.
_LOOK_SECONDS: Final = 0.25

# For a farewell that the other side may not hear.
_CLOSE_SECONDS: Final = 1.0

# More than this unsent, and a caller waits instead of making the heap longer.
_UNSENT_LIMIT_BYTES: Final = 4 * 1024 * 1024
_UNSENT_LOOK_SECONDS: Final = 0.005

# An HPUB header block: its first line and its last, and a colon, a space and a line end for each header.
_HEADER_FRAME_BYTES: Final = len("NATS/1.0\r\n\r\n")
_HEADER_EXTRA_BYTES: Final = len(": \r\n")

_REFUSAL: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


class Session:
    """A connected client. Raises on opening: BrokerUnavailable, BrokerRefused."""

    def __init__(self, access: Access, on_refusal: Refusal, *, shunned: str | None = None) -> None:
        """`shunned`: a server that is tried only when no other can be reached."""
        self._access = access
        self._on_refusal = on_refusal
        self._shunned = shunned
        self._client = SecureClient()
        # What messages go by, once it is connected.
        self._wire: Wire
        self._lost = asyncio.Event()
        self._trouble: Exception | None = None

    @property
    def trouble(self) -> Exception | None:
        """The newest thing that went wrong; of a failed opening it is the cause."""
        return self._trouble or self._client.last_error

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected and not self._lost.is_set()

    @property
    def server(self) -> str:
        """Where the server is that it is connected to."""
        url = self._client.connected_url
        return "" if url is None else place(url.geturl())

    async def open(self) -> None:
        try:
            async with asyncio.timeout(self._access.connect_timeout_seconds):
                await self._connect()
                self._wire = self._client.take_over()
                _check_version(self._access, self._client)
                await self._check_jetstream()
        except BaseException as error:
            await self.close()
            if isinstance(error, Exception):
                raise _explain(self._access, error, self.trouble) from error
            raise

    def subscribe(self, subject: str, callback: MessageCallback) -> None:
        """Hear a subject for as long as the session lasts."""
        self._wire.subscribe(subject, callback)

    async def publish(self, message: Outgoing) -> None:
        """Send, after waiting for room if much is unsent. Raises: BrokerUnavailable."""
        if self._wire.unsent_bytes > _UNSENT_LIMIT_BYTES:
            await self._room()
        self.send(message)

    def send(self, message: Outgoing) -> None:
        """The same, however much is unsent."""
        if not self.is_connected:
            raise BrokerUnavailable(f"the connection to {self._access} is lost: {self.trouble}")
        if len(message.payload) > self._client.max_payload:
            # The server would cut the connection.
            raise BrokerUnavailable(
                f"{self._access} takes messages of {self._client.max_payload} bytes at most"
            )
        self._wire.publish(message)

    def fits(self, payload: bytes, headers: dict[str, str]) -> bool:
        """Whether the server takes a message of this size; beyond it, it would cut the connection."""
        extra = sum(len(name) + len(value.encode()) + _HEADER_EXTRA_BYTES for name, value in headers.items())
        return len(payload) + _HEADER_FRAME_BYTES + extra <= self._client.max_payload

    @property
    def version(self) -> str:
        """Of the server."""
        version = self._client.connected_server_version
        return f"{version.major}.{version.minor}.{version.patch}"

    @property
    def is_clustered(self) -> bool:
        return bool(self._client._server_info.get("cluster"))  # noqa: SLF001  # the library shows only the version

    @property
    def limit_bytes(self) -> int:
        return self._client.max_payload

    async def lost(self) -> None:
        """Return once the connection is gone."""
        while self.is_connected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._lost.wait()

    def leave(self, why: str) -> None:
        """It is connected, and no good."""
        self._trouble = BrokerUnavailable(why)
        self._lost.set()

    async def close(self) -> None:
        """End it, politely if the other side listens. Cost: at most a second."""
        if self._lost.is_set():
            self._abort()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._client.close()
        except Exception:
            # On a dead socket the library trips over this and that; the session ends all the same.
            _logger.debug("%r could not say goodbye", self, exc_info=True)
        finally:
            self._lost.set()
            self._abort()

    def __repr__(self) -> str:
        return f"<Session {self._access}, {'connected' if self.is_connected else 'lost'}>"

    async def _connect(self) -> None:
        access = self._access
        await self._client.connect(
            servers=access.shuffled(last=self._shunned),
            dont_randomize=True,
            name=access.name,
            **access.credentials.options,
            inbox_prefix=access.inbox_prefix,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            allow_reconnect=False,
            # Each server is tried, and one more time after so many seconds.
            max_reconnect_attempts=1,
            reconnect_time_wait=0.05,  # type: ignore[arg-type]  # it only sleeps that long
            connect_timeout=access.connect_timeout_seconds,  # type: ignore[arg-type]  # a time-out as any
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=_UNANSWERED_PINGS,
            # Nothing is kept for a later connection: a publish without one fails at once.
            pending_size=0,
        )

    async def _check_jetstream(self) -> None:
        # A server without it may still have neighbours in its cluster that have it: so we ask.
        if self._client._server_info.get("jetstream"):  # noqa: SLF001  # the library shows only the version
            return
        try:
            await self._client.request("$JS.API.INFO", timeout=self._access.connect_timeout_seconds / 2)
        except nats.errors.TimeoutError:
            # We may not ask, or nobody leads: whoever asks for more will hear it.
            return
        except nats.errors.NoRespondersError:
            raise BrokerRefused(
                f"{self.server} has JetStream off: start it with nats-server -js, or use embedded://"
            ) from None

    async def _room(self) -> None:
        try:
            async with asyncio.timeout(self._access.request_timeout_seconds):
                # Nobody is told how much of it is written.
                while self._wire.unsent_bytes > _UNSENT_LIMIT_BYTES and self.is_connected:  # noqa: ASYNC110
                    await asyncio.sleep(_UNSENT_LOOK_SECONDS)
        except TimeoutError:
            raise BrokerUnavailable(f"{self._access} takes nothing any more: {self!r}") from None

    async def _on_error(self, error: Exception) -> None:
        refusal = _REFUSAL.search(str(error))
        if refusal:
            self._on_refusal(refusal[1].lower(), refusal[2].lower())
            return
        self._trouble = error
        if isinstance(error, nats.errors.UnexpectedEOF):
            self._lost.set()

    async def _on_disconnected(self) -> None:
        self._lost.set()

    def _abort(self) -> None:
        """Drop the socket with all that is unsent: closing waits until a dead link has taken it."""
        transport = self._client._transport  # noqa: SLF001  # the library has no abort (nats.py #671)
        for name in ("_io_writer", "_bare_io_writer"):
            writer: asyncio.StreamWriter | None = getattr(transport, name, None)
            if writer is not None:
                writer.transport.abort()


def _check_version(access: Access, client: SecureClient) -> None:
    server = client.connected_server_version
    try:
        version = (server.major, server.minor)
    except ValueError:
        version = (0, 0)
    if version < _OLDEST_SERVER:
        needed = ".".join(map(str, _OLDEST_SERVER))
        raise BrokerRefused(
            f"{server!r} at {access} is too old: events need version {needed} or newer. Upgrade it, "
            "or use embedded://, which brings its own"
        )


def _explain(access: Access, error: Exception, trouble: Exception | None) -> BrokerError:
    """Why the opening failed, in our words."""
    if isinstance(error, BrokerError):
        return error
    cause = trouble if isinstance(error, nats.errors.NoServersError) and trouble else error
    told = str(cause).lower()
    if isinstance(cause, ssl.SSLError):
        return BrokerRefused(f"no secure connection with {access}: {cause}")
    if "authorization" in told or "authentication" in told:
        return BrokerRefused(f"{access} refuses our credentials: {cause}")
    if "expecting info" in told:
        return BrokerUnavailable(f"{access} hung up, or it is not a NATS server: it did not greet")
    if isinstance(error, TimeoutError):
        return BrokerUnavailable(f"no connection to {access} within {access.connect_timeout_seconds:g} s")
    return BrokerUnavailable(f"no connection to {access}: {cause}")
