"""A client after docs/PROTOCOL.md, as a pure machine: told frames, it keeps its cursors and says what it answers.

Written from the document alone, without the product's codec and without its own client: it is here to judge them. So
the names on the wire stand here a second time.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from pulse_radar.testing.fire.logbook import (
    ClientRecord,
    Confirmed,
    Forgot,
    Opened,
    Seen,
    Told,
    digest,
)

__all__ = ["PONG", "Follower", "Unreadable", "cursors_of"]

PONG: Final = '{"action":"pong"}'

# Where the server names no interval.
_PONG_TIMEOUT_SECONDS: Final = 30.0

_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Unreadable(Exception):
    """What came is no frame of version 1, or answers another request than ours."""


class Follower:
    """Follows feeds over any number of connections, one at a time.

    `note` is told each record before its effect is: a cursor is never ahead of the logbook.
    """

    def __init__(
        self, feeds: Iterable[str], cursors: Mapping[str, int], note: Callable[[ClientRecord], None]
    ) -> None:
        self.feeds = tuple(feeds)
        self.cursors = dict(cursors)
        self.pong_timeout_seconds = _PONG_TIMEOUT_SECONDS
        self._note = note
        # What the connection was asked with, until it is greeted.
        self._asked: dict[str, int] | None = None
        # Feeds that are about to get a snapshot: the server counts from there what we count until it comes.
        self._awaited: frozenset[str] = frozenset()
        # Feeds that this connection has brought up to date.
        self._live: set[str] = set()
        # The last one that a stream of events gave.
        self.event_id: str | None = None

    def ask(self) -> str:
        """The query of the next connection."""
        self._asked = dict(self.cursors)
        self._live.clear()
        positions = ",".join(f"{feed}:{sequence}" for feed, sequence in self.cursors.items())
        return f"topics={','.join(self.feeds)}&lastSeq={positions}"

    def mark(self, event_id: str) -> None:
        """The id of a block of a stream: the whole cursor after it. Raises: Unreadable, where it is another."""
        told = dict(item.rsplit(":", 1) for item in event_id.split(",") if item)
        ours = {feed: str(seq) for feed, seq in self.cursors.items() if feed not in self._awaited}
        # Where nothing has a position it says so: an empty one would not be sent back.
        if told != (ours or dict.fromkeys(self.feeds, "0")):
            raise Unreadable(f"the id is {event_id!r}, the cursors are {self.cursors}")
        self.event_id = event_id

    def hear(self, payload: bytes, at: float, link: int, port: int) -> str | None:
        """One text frame, over a link and from a port of ours; what to answer. Raises: Unreadable."""
        try:
            # RFC 6455, section 8.1: text that is no UTF-8 fails the connection.
            frame = _decode(payload.decode())
            if "type" in frame:
                return self._control(frame["type"], frame.get("data"), frame, at, link, port)
            if "event" in frame:
                self._event(frame)
        except (UnicodeDecodeError, msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
            raise Unreadable(f"{error!r} in {payload[:200]!r}") from error
        return None

    def is_live_at(self, positions: Mapping[str, int]) -> bool:
        """Whether all of its feeds are up to date, and at or beyond these positions."""
        return self._live.issuperset(self.feeds) and all(
            self.cursors.get(feed, -1) >= positions[feed] for feed in self.feeds if feed in positions
        )

    def _control(
        self, kind: str, data: Any, frame: dict[str, Any], at: float, link: int, port: int
    ) -> str | None:
        match kind:
            case "connection":
                self._greeted(data, at, link, port)
            case "subscription" if data["action"] == "subscribed":
                self._note(Confirmed(at, data["topic"], data["seq"], is_live=True))
                self.cursors[data["topic"]] = data["seq"]
                self._live.add(data["topic"])
            case "gap":
                self._note(Told(data["topic"], data["from"], data["to"], data["reason"]))
                self.cursors[data["topic"]] = data["to"]
            case "snapshot":
                self._awaited -= {data["topic"]}
                self._live.discard(data["topic"])
                self._note(Forgot(data["topic"]))
                self.cursors.pop(data["topic"], None)
            case "ping":
                for feed, sequence in frame.get("lastSeq", {}).items():
                    self._note(Confirmed(at, feed, sequence, is_live=False))
                    self.cursors[feed] = sequence
                return PONG
            case "error":
                # We ask for nothing that can be refused, unless it was falsified on its way.
                raise Unreadable(f"refused: {data}")
            case _:
                pass
        return None

    def _greeted(self, data: dict[str, Any], at: float, link: int, port: int) -> None:
        positions: dict[str, int] = data.get("lastSeq", {})
        wrong = {feed: seq for feed, seq in (self._asked or {}).items() if positions.get(feed, seq) != seq}
        if set(data["topics"]) != set(self.feeds) or wrong:
            # Whoever compares what it asked for with what it was understood to ask for notices a falsified request.
            raise Unreadable(f"asked for {self.feeds} after {self._asked}, served is {data}")
        self.pong_timeout_seconds = data.get("pongTimeout", _PONG_TIMEOUT_SECONDS)
        self._note(Opened(at, link, port, positions))
        self.cursors.update(positions)
        self._awaited = frozenset(self.feeds) - positions.keys()

    def _event(self, frame: dict[str, Any]) -> None:
        topic, key = frame["topic"], frame.get("key")
        feed = topic if topic in self.feeds else f"{topic}/{key}"
        if feed not in self.feeds:
            raise Unreadable(f"an event of {feed}, which was not asked for")
        is_deleted = frame.get("deleted", False)
        record = Seen(feed, frame["_seq"], frame.get("id"), digest(frame["data"]), key, is_deleted)
        self._note(record)
        self.cursors[feed] = record.sequence

    def __repr__(self) -> str:
        return f"<Follower of {', '.join(self.feeds)}>"


def cursors_of(records: Iterable[ClientRecord], cursors: Mapping[str, int]) -> dict[str, int]:
    """Where a client is whose logbook this is, and who began at `cursors`."""
    cursors = dict(cursors)
    for record in records:
        match record:
            case Opened():
                cursors.update(record.positions)
            case Seen() | Confirmed():
                cursors[record.feed] = record.sequence
            case Told():
                cursors[record.feed] = record.last
            case Forgot():
                cursors.pop(record.feed, None)
            case _:
                pass
    return cursors
