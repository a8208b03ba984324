"""The HTTP protocol class for uvicorn: a stream of events on it can be cut off, and hears of the server's end.

`pulse-radar serve` has it built in. Every other response sees uvicorn's own behaviour.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pulse_radar.server.ending import end
from pulse_radar.server.transport import SOCKET_EXTENSION, Listener, Transport

__all__ = ["PulseHttpProtocol"]


class PulseHttpProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, and the `Socket` of the response that is under way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The stream that this connection carries, and who listens to it.
        self._stream: tuple[Transport, Listener] | None = None

    # What a response of ours uses.

    def attend(self, transport: Transport, listener: Listener) -> None:
        self._stream = (transport, listener)

    def abort(self) -> None:
        self.transport.abort()

    # What uvicorn calls.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {SOCKET_EXTENSION: self}

    def on_response_complete(self) -> None:
        self._stream = None
        super().on_response_complete()

    def shutdown(self) -> None:
        super().shutdown()
        if self._stream is not None:
            seconds = end(*self._stream, self.config.timeout_graceful_shutdown)
            if seconds is not None:
                self.loop.call_later(seconds, self.transport.abort)
