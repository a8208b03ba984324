"""One client on its wire: what it sends becomes inputs of the hub, in order."""

import math
import time
from collections.abc import Callable

from pulse_radar.errors import ProtocolError, UsageError
from pulse_radar.hub.inputs import Closed, Draining, Misbehaved, Received, Refused
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import decode_client
from pulse_radar.protocol.cursor import refusal
from pulse_radar.protocol.frames import ClientFrame, Pong, UnknownFrame
from pulse_radar.server.allowance import FrameBounds
from pulse_radar.server.inquiry import REASON_LENGTH, Inquiry, asks
from pulse_radar.server.places import NOBODY, Whose
from pulse_radar.server.shell import Shell
from pulse_radar.server.transport import LOW_WATER_BYTES, Transport
from pulse_radar.server.visitor import Visitor

__all__ = ["Session"]


class Session:
    """A client of this process: the `Listener` of its transport, a voice at the hub."""

    __slots__ = (
        "_inquiry",
        "_shell",
        "_visitor",
        "allowance",
        "connection_id",
        "is_awaited",
        "is_slow",
        "max_frame_bytes",
        "reads_joined",
        "transport",
        "whose",
    )

    def __init__(
        self,
        connection_id: str,
        transport: Transport,
        shell: Shell,
        *,
        bounds: FrameBounds,
        visitor: Visitor | None,
        whose: Whose = NOBODY,
        reads_joined: bool = False,
    ) -> None:
        """`visitor`: None, where no frames can come. `reads_joined`: it takes several frames in one message."""
        self.connection_id = connection_id
        self.transport = transport
        self._shell = shell
        self.reads_joined = reads_joined
        self.max_frame_bytes = bounds.max_bytes
        self.allowance = bounds.allowance(time.monotonic())
        self._visitor = visitor
        self.whose = whose
        # The hub asked to be told when most is written.
        self.is_awaited = False
        # It was told that it is slow, and has not been told to have room since.
        self.is_slow = False
        # Frames that the app is asked about, and those behind them; None while there are none.
        self._inquiry: Inquiry | None = None

    def await_writable(self) -> None:
        """Tell the hub once no more than the low-water mark is unsent."""
        self.is_awaited = True
        if self.has_room:
            self.writable()

    @property
    def has_room(self) -> bool:
        """Whether the next page of a replay may be written."""
        return self.transport.unsent_bytes <= LOW_WATER_BYTES

    # What the transport says.

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        self._shell.hear_in_turn(hear)

    def received(self, text: str | bytes) -> None:
        size = len(text.encode(errors="replace")) if isinstance(text, str) else len(text)
        if size > self.max_frame_bytes:
            self.too_long(size)
            return
        try:
            frame = decode_client(text)
        except ProtocolError as error:
            self._malformed(str(error))
        except UsageError as error:
            self._shell.tell(Refused(self.connection_id, refusal(error)))
        else:
            self._heed(frame)

    def too_long(self, size: int) -> None:
        reason = f"a frame of {size} bytes, at most {self.max_frame_bytes} bytes are allowed"
        self._shell.tell(Misbehaved(self.connection_id, CloseCode.FRAME_TOO_LARGE, reason))

    def too_many(self) -> None:
        reason = "more frames than a client may send"
        self._shell.tell(Misbehaved(self.connection_id, CloseCode.TOO_MANY_FRAMES, reason))

    def received_binary(self) -> None:
        self._malformed("a binary frame: frames are text")

    def alive(self) -> None:
        self._shell.tell(Received(self.connection_id, Pong()))

    def writable(self) -> None:
        if self.is_awaited:
            self.is_awaited = False
            self._shell.ask_for_turn(self.connection_id)

    def ending(self, within_seconds: float = math.inf) -> None:
        self._shell.tell(Draining(within_seconds))

    def closed(self) -> None:
        if self._inquiry is not None:
            self._inquiry.cancel()
        self._shell.tell(Closed(self.connection_id))
        self._shell.forget(self.connection_id)

    def __repr__(self) -> str:
        waiting = f", {len(self._inquiry)} frames wait for the app" if self._inquiry else ""
        slow = ", slow" if self.is_slow else ""
        return f"<Session {self.connection_id}, {self.transport.unsent_bytes} bytes unsent{slow}{waiting}>"

    def _malformed(self, reason: str) -> None:
        self._shell.tell(Misbehaved(self.connection_id, CloseCode.MALFORMED, reason[:REASON_LENGTH]))

    def _heed(self, frame: ClientFrame | UnknownFrame) -> None:
        if self._inquiry is None:
            if self._visitor is None or not asks(self._visitor, frame):
                self._shell.tell(Received(self.connection_id, frame))
                return
            self._inquiry = Inquiry(self.connection_id, self._visitor, self._shell, self._answered)
        if self._inquiry.add(frame):
            # It waits for its turn; that the client is there is known at once.
            self.alive()

    def _answered(self, visitor: Visitor) -> None:
        self._visitor, self._inquiry = visitor, None
