"""One stream of server-sent events of a client: h11's sans-I/O core on a wire, and the blocks of the HTML standard.

It comes back as a browser's EventSource does: with the query that it first had, and the last `id` that it was given.
"""

from collections.abc import Callable
from typing import Any, Final

import h11
import msgspec

from pulse_radar.testing.fire.follower import Unreadable
from pulse_radar.testing.fire.wire import LOST, OVERLOAD, UNREADABLE, Ended, Hear, Wire

__all__ = ["EventStream"]

_MEDIA_TYPE: Final = b"text/event-stream"
_BLOCK_END: Final = b"\n\n"


class EventStream(Wire):
    """Tells `hear` each frame, and `mark` each id; nothing is answered."""

    def __init__(
        self,
        target: str,
        last_id: str | None,
        hear: Hear,
        mark: Callable[[str], None],
        silence: Callable[[], float],
    ) -> None:
        """`last_id`: the last one that a stream of this client gave, None in the beginning."""
        super().__init__(hear, silence)
        self._target = target
        self._last_id = last_id
        self._mark = mark
        self._core = h11.Connection(h11.CLIENT)
        self._text = bytearray()

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        try:
            self._core.receive_data(data)
            while not self.ended.done():
                event = self._core.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    return
                self._take(event)
        except (h11.RemoteProtocolError, Unreadable) as error:
            self._end(Ended(UNREADABLE, stop=f"{error!r}"))

    # What a wire must know.

    def _begin(self) -> None:
        headers = [("Host", f"127.0.0.1:{self._transport.get_extra_info('peername')[1]}")]
        if self._last_id is not None:
            headers.append(("Last-Event-ID", self._last_id))
        request = h11.Request(method="GET", target=self._target, headers=headers)
        for event in (request, h11.EndOfMessage()):
            self._transport.write(self._core.send(event) or b"")

    def _farewell(self) -> bool:
        return True

    def _answer(self, text: str) -> None:
        """A stream goes one way: that it takes what is sent is its sign of life."""

    def _closed(self) -> Ended:
        return Ended(LOST)

    # What we do about it.

    def _take(self, event: object) -> None:
        match event:
            case h11.Response(status_code=200, headers=headers) if _is_stream(list(headers)):
                self._heard()
            case h11.Response(status_code=code) if code == OVERLOAD:
                self._end(Ended(LOST, "503"))
            case h11.Response():
                self._end(Ended(LOST, stop=f"the response: {event!r}"))
            case h11.Data(data=data):
                self._read(bytes(data))
            case _:
                self._end(Ended(LOST, "the response ended"))

    def _read(self, data: bytes) -> None:
        self._heard()
        self._text += data
        while not self.ended.done() and (end := self._text.find(_BLOCK_END)) >= 0:
            block = bytes(self._text[:end])
            del self._text[: end + len(_BLOCK_END)]
            self._take_block(block)

    def _take_block(self, block: bytes) -> None:
        fields = _fields(block)
        if fields.get("event") == "close":
            self._end(_last_word(fields["data"]))
            return
        if "data" in fields:
            self._tell(fields["data"].encode())
        if "id" in fields:
            self._mark(fields["id"])


def _fields(block: bytes) -> dict[str, str]:
    """The fields of a block. Raises: Unreadable."""
    try:
        # HTML standard, section 9.2.5: an event stream is UTF-8. A browser would read on with replacements.
        lines = block.decode().split("\n")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{error!r} in {block[:200]!r}") from error
    return {name: text.removeprefix(" ") for name, _, text in (line.partition(":") for line in lines)}


def _last_word(data: str) -> Ended:
    try:
        said: dict[str, Any] = msgspec.json.decode(data)["data"]
        return Ended(said["code"], said["reason"])
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise Unreadable(f"{error!r} in {data[:200]!r}") from error


def _is_stream(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value.startswith(_MEDIA_TYPE) for name, value in headers)
