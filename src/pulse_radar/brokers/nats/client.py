"""The client library, but for two things.

Where TLS is wanted it says nothing before it has it. By itself it does what the server's first line says, which comes
in plain text: somebody in between leaves one word out, and is sent our password.

And once it is connected, messages go past it.
"""

import asyncio
from typing import Any

from nats.aio.client import Client

from pulse_radar.brokers.nats.wire import Wire

__all__ = ["SecureClient"]


class SecureClient(Client):
    """A client that begins TLS with a `tls://` server, or with a context of its own, whatever the server says."""

    def take_over(self) -> Wire:
        """What messages go by from now on, of a client that is connected."""
        transport: Any = self._transport
        # Nothing was subscribed to: what it has read and not understood is the beginning of a line, if anything.
        reader, writer = transport._io_reader, transport._io_writer  # noqa: SLF001
        unread = bytes(self._ps.buf) + bytes(reader._buffer)  # noqa: SLF001
        return Wire(writer.transport, is_within_line=bool(unread) and not unread.endswith(b"\n"))

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        if initial_connection and self._wants_tls:
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)

    def _connect_command(self) -> bytes:
        """What is said first, as soon as TLS is there, if it is to be."""
        writer: asyncio.StreamWriter | None = getattr(self._transport, "_io_writer", None)
        # Of a connection that the server has cut already there is no protocol.
        protocol: Any = None if writer is None else writer.transport.get_protocol()
        if writer is not None and protocol is not None and writer.get_extra_info("ssl_object") is not None:
            # The library takes the connection over to TLS and does not tell its streams, which complain at the end.
            protocol._over_ssl = True  # noqa: SLF001
        return super()._connect_command()

    @property
    def _wants_tls(self) -> bool:
        server = self._current_server
        return "tls" in self.options or (server is not None and server.uri.scheme == "tls")
