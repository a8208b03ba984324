"""The HTTP protocol class for uvicorn: nobody holds a socket for nothing, and a stream of events can be cut off.

`pulse-radar serve` has it built in. uvicorn itself leaves a socket open for ever that says nothing, or drips: that is
why requests have deadlines here. Every other response sees uvicorn's own behaviour.
"""

import asyncio
import logging
import math
from collections import deque
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pulse_radar.server.cutoff import Cutoff
from pulse_radar.server.ending import end
from pulse_radar.server.places import FULL_RETRY_SECONDS
from pulse_radar.server.request_pace import (
    GIVEN_UP,
    MOST_HEAD_BYTES,
    AnswerPace,
    GivenUp,
    HttpBounds,
    RequestPace,
)
from pulse_radar.server.sockets import SocketPlace, Sockets
from pulse_radar.server.transport import SOCKET_EXTENSION, Listener, Transport
from pulse_radar.server.turns import turns_here
from pulse_radar.server.uvicorn_protocol import PulseWebSocketProtocol

__all__ = ["PulseHttpProtocol"]

_log: Final = logging.getLogger("pulse_radar.server")

# What is told to whom there is something to tell. RFC 9110, sections 15.5.9 and 15.6.4; RFC 6585, sections 4 and 5.
_ANSWERS: Final = {
    GivenUp.TOO_SLOW: "408 Request Timeout\r\n",
    GivenUp.TOO_LARGE: "431 Request Header Fields Too Large\r\n",
    GivenUp.TOO_MANY: "429 Too Many Requests\r\n",
    GivenUp.NO_PLACE: f"503 Service Unavailable\r\nRetry-After: {FULL_RETRY_SECONDS}\r\n",
}

# So many requests may wait behind the one that is answered. Browsers let none wait; one of eighteen bytes becomes eight
# kilobytes, and a socket brings fourteen thousand at once.
_MOST_WAITING: Final = 16

# So long a peer may take to read why its connection ends; what it still sends meanwhile is thrown away. Closed at once
# it would be reset, and never know.
_LINGER_SECONDS: Final = 2.0


class _StopParsing(Exception):
    """Said to the parser of requests, which has more of them to read."""


class PulseHttpProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, and the `Socket` of the response that is under way."""

    def __init__(
        self,
        *args: Any,
        bounds: HttpBounds = HttpBounds(),  # noqa: B008 (frozen)
        sockets: Sockets | None = None,
        **kwargs: Any,
    ) -> None:
        """`sockets`: those of the server, None where nobody counts them."""
        super().__init__(*args, **kwargs)
        self._sockets = sockets
        # The place that this one has, until it is gone or a WebSocket has it.
        self._place: SocketPlace | None = None
        self._has_left = False
        # The stream that this connection carries, and who listens to it.
        self._stream: tuple[Transport, Listener] | None = None
        # The requests that are not answered yet, in order. uvicorn tells the last alone that its client left.
        self._unanswered: deque[Any] = deque()
        self._request = RequestPace(bounds.request_seconds, self.loop.time())
        self._answer = AnswerPace(bounds.response_seconds)
        # Something of a request ever came.
        self._has_asked = False
        # It was told that it ends.
        self._is_over = False
        # What came since the last piece of a body, or the last whole request: a head, or what stands behind a body.
        self._head_bytes = 0
        # Looks when something is overdue. None while nothing is awaited of the client.
        self._timer: asyncio.TimerHandle | None = None
        self._cutoff = Cutoff()

    # What a response of ours uses.

    def attend(self, transport: Transport, listener: Listener) -> None:
        self._stream = (transport, listener)

    def abort(self) -> None:
        self.transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        super().connection_made(transport)
        if self._sockets is not None:
            self._place = self._sockets.take(self.client[0] if self.client else None)
            if self._place is None:
                self._end(GivenUp.NO_PLACE)
                return
        self._watch()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._has_asked = True
        self._request.begins(self.loop.time())
        self._head_bytes += len(data)
        super().data_received(data)
        if self._has_left:
            return
        if self._head_bytes > MOST_HEAD_BYTES:
            self._end(GivenUp.TOO_LARGE)
        self._watch()

    def handle_websocket_upgrade(self) -> None:
        if self._unanswered:
            # An answer under way would share its socket with the WebSocket, and outlive both.
            self._end(GivenUp.TOO_MANY)
            return
        # Nobody waits for the client from now on.
        self._request.ends()
        self.transport.pause_reading()
        turns_here().ask_at_once(self._upgrade)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        self._give_back()
        self._cutoff.over()
        self._nobody_is_there()
        super().connection_lost(exc)

    # What the parser calls.

    def on_message_begin(self) -> None:
        if len(self._unanswered) > _MOST_WAITING:
            self._end(GivenUp.TOO_MANY)
            raise _StopParsing
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {SOCKET_EXTENSION: self}

    def on_headers_complete(self) -> None:
        self._request.goes_on(self.loop.time())
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        self._request.came(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        self._request.ends()
        super().on_message_complete()

    # What uvicorn calls.

    def on_response_complete(self) -> None:
        self._stream = None
        self._unanswered.popleft()
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        if not self._is_over:
            super().send_400_response(msg)

    def shutdown(self) -> None:
        super().shutdown()
        if self._stream is not None:
            seconds = end(*self._stream, self.config.timeout_graceful_shutdown)
            if seconds is not None:
                self._cutoff.after(seconds, self.transport)

    # How.

    def _upgrade(self) -> None:
        """It is its turn: a handshake costs as much as twenty frames."""
        if self.transport.is_closing():
            # It went while it waited.
            return
        self._leave()
        self.transport.resume_reading()
        super().handle_websocket_upgrade()
        successor = self.transport.get_protocol()
        if isinstance(successor, PulseWebSocketProtocol):
            # It is no connection yet: who comes has to be looked up, and may be turned away.
            successor.place, self._place = self._place, None
        self._give_back()
        # It is over, and is gone with that, but for circles that only the garbage collector would find.
        self.parser = self.scope = None  # type: ignore[assignment]

    def _watch(self) -> None:
        """Look at it when something will be overdue."""
        self._answer.note(self._unsent_bytes, self.loop.time())
        due = min(self._request.deadline, self._answer.deadline)
        if due == math.inf:
            return
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self.loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self.loop.time()
        if self._answer.has_stalled(self._unsent_bytes, now):
            self._count(GivenUp.UNREAD)
            self.transport.abort()
            return
        if now >= self._request.deadline:
            self._give_up(now)
        self._watch()

    def _give_up(self, now: float) -> None:
        if self._is_our_turn:
            self._request.goes_on(now)
        elif not self._has_asked:
            # A browser opens sockets for what may come.
            self._count(GivenUp.SILENT)
            self.transport.close()
        else:
            self._end(GivenUp.TOO_SLOW)

    @property
    def _is_our_turn(self) -> bool:
        """Whether it waits for us: for an answer to what it said before, for leave to go on, or to be read."""
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        return not cycle.more_body or cycle.waiting_for_100_continue or self.flow.read_paused

    @property
    def _unsent_bytes(self) -> int:
        """What an answer's reader has to take. Of a stream of events that is the hub's affair."""
        return 0 if self._stream is not None else self.transport.get_write_buffer_size()

    def _end(self, why: GivenUp) -> None:
        """Let go of the socket, with an answer unless another one began."""
        self._request.ends()
        if self.transport.is_closing():
            return
        self._count(why)
        self._is_over = True
        if not self._unanswered or not self._unanswered[0].response_started:
            answer = f"HTTP/1.1 {_ANSWERS[why]}Connection: close\r\nContent-Length: 0\r\n\r\n"
            self.transport.write(answer.encode())
        self._nobody_is_there()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._cutoff.after(_LINGER_SECONDS, self.transport)
        else:
            self.transport.close()

    def _nobody_is_there(self) -> None:
        """Tell whoever answers."""
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()

    def _count(self, why: GivenUp) -> None:
        GIVEN_UP[why] += 1
        _log.info("let go of a socket of %s: %s", self.client, why)

    def _leave(self) -> None:
        """It carries no requests any more: it is gone, or a WebSocket."""
        self._has_left = True
        self._request.ends()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_back(self) -> None:
        if self._place is not None:
            self._place.give_back()
