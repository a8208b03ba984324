"""The app of a run, served by a server that breaks the promise now and then, each time in another way."""

from collections.abc import Callable
from itertools import count

from pulse_radar.server.batch import Batch
from pulse_radar.server.lean_websocket import LeanWebSocket
from pulse_radar.testing.fire.app import app

__all__ = ["app"]

_write = LeanWebSocket.write
_turns = count(1)

# How many writes go well before one does not.
_EVERY = 7

# Of a log, where each breach is noticed: a state event that is lost is missed only if no newer one of its key comes.
_LOG = b'{"topic":"knowledge"'


def _lose(_event: bytes) -> list[bytes]:
    return []


def _double(event: bytes) -> list[bytes]:
    return [event, event]


def _alter(event: bytes) -> list[bytes]:
    return [event.replace(b'"data":{', b'"data":{"by":"mistake",')]


_BREAKS: tuple[Callable[[bytes], list[bytes]], ...] = (_lose, _double, _alter)


def _write_badly(self: LeanWebSocket, batch: Batch) -> int:
    events = [text for text in batch.texts if text.startswith(_LOG)]
    if events and (turn := next(_turns)) % _EVERY == 0:
        broken = _BREAKS[turn // _EVERY % len(_BREAKS)](events[0])
        batch = Batch([part for text in batch.texts for part in (broken if text is events[0] else [text])])
    return _write(self, batch)


LeanWebSocket.write = _write_badly  # type: ignore[method-assign]
