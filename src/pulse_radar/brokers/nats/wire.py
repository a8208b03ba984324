"""Messages to a server and from it, past the client library, on the connection that it made."""

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from pulse_radar.brokers.nats.wire_format import Cut, Incoming, Outgoing, subscribing

__all__ = ["MessageCallback", "Wire"]

_logger: Final = logging.getLogger(__name__)

# It must not wait.
MessageCallback = Callable[[Incoming], None]

# The library numbers its own subscriptions from 1; it makes one at most.
_FIRST_NUMBER: Final = 1_000


class Wire(asyncio.Protocol):
    """Stands between the loop's transport and the library: what is no message of ours goes on to that.

    So greeting, credentials, TLS, heartbeats and the errors of a server stay the library's, and a message is one call:
    in the same turn of the loop in which its bytes came.
    """

    def __init__(self, transport: asyncio.Transport, *, is_within_line: bool) -> None:
        """`is_within_line`: the library has read the beginning of a line and not its end."""
        self._transport = transport
        self._library: Any = transport.get_protocol()
        self._callbacks: dict[bytes, MessageCallback] = {}
        self._numbers = count(_FIRST_NUMBER)
        self._cut = Cut(self._callbacks, is_within_line=is_within_line)
        # What this turn of the loop brought: it is written as one.
        self._unwritten: list[bytes] = []
        self._unwritten_bytes = 0
        transport.set_protocol(self)

    @property
    def unsent_bytes(self) -> int:
        return self._unwritten_bytes + self._transport.get_write_buffer_size()

    def subscribe(self, subject: str, callback: MessageCallback) -> None:
        """Hear a subject from now on."""
        number = b"%d" % next(self._numbers)
        self._callbacks[number] = callback
        self._write(subscribing(subject, number))

    def publish(self, message: Outgoing) -> None:
        """Send it behind all that was sent before. Cost: a system call for all messages of a turn."""
        self._write(message.wire)

    def __repr__(self) -> str:
        return f"<Wire with {len(self._callbacks)} subscriptions, {self.unsent_bytes} bytes unsent>"

    # What the transport tells.

    def data_received(self, data: bytes) -> None:
        try:
            messages, rest = self._cut.feed(data)
        except ValueError:
            _logger.exception("what the server says makes no sense")
            self._transport.abort()
            return
        for number, message in messages:
            self._hear(number, message)
        if rest:
            self._library.data_received(rest)

    def eof_received(self) -> bool | None:
        ends: bool | None = self._library.eof_received()
        return ends

    def connection_lost(self, error: Exception | None) -> None:
        self._library.connection_lost(error)

    def pause_writing(self) -> None:
        self._library.pause_writing()

    def resume_writing(self) -> None:
        self._library.resume_writing()

    def _hear(self, number: bytes, message: Incoming) -> None:
        try:
            self._callbacks[number](message)
        except Exception:
            _logger.exception("a callback failed")

    def _write(self, said: bytes) -> None:
        if not self._unwritten:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unwritten.append(said)
        self._unwritten_bytes += len(said)

    def _flush(self) -> None:
        unwritten, self._unwritten, self._unwritten_bytes = self._unwritten, [], 0
        self._transport.write(b"".join(unwritten))
