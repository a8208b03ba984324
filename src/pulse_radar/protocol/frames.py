"""The frames of wire version 1 as values: what a server says and what a client says."""

from enum import StrEnum
from typing import Final

import msgspec

from pulse_radar.protocol.grammar import Feed
from pulse_radar.protocol.json_value import JsonValue

__all__ = [
    "PROTOCOL_VERSION",
    "AuthAccepted",
    "Authenticate",
    "ClientFrame",
    "Connected",
    "ErrorCode",
    "ErrorFrame",
    "EventFrame",
    "GapFrame",
    "GapReason",
    "Ping",
    "Pong",
    "ServerFrame",
    "SnapshotFrame",
    "Subscribe",
    "Subscribed",
    "UnknownFrame",
    "Unsubscribe",
    "Unsubscribed",
]

PROTOCOL_VERSION: Final = 1


class GapReason(StrEnum):
    """Why events are missing."""

    EXPIRED = "expired"  # no longer kept
    RESET = "reset"  # the stream was recreated or rolled back
    UNREADABLE = "unreadable"  # stored, but not an event: a foreign or broken publisher
    MISSING = "missing"  # a client's own word: a hole in the numbers that asking again did not fill


class ErrorCode(StrEnum):
    """What an `error` frame is about. The connection stays open."""

    ALREADY_COVERED = "already_covered"
    FORBIDDEN = "forbidden"
    INVALID_CURSOR = "invalid_cursor"
    INVALID_KEY = "invalid_key"
    INVALID_TOPIC = "invalid_topic"
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions"
    UNAUTHENTICATED = "unauthenticated"
    UNKNOWN_TOPIC = "unknown_topic"


# Server to client.


class Connected(msgspec.Struct, frozen=True):
    """The first frame: who you are here and after which position of each feed you are served.

    `state_topics`: of which topics here only the latest event of each key counts.
    Units: `ping_interval`, `pong_timeout` seconds.
    """

    connection_id: str
    topics: tuple[Feed, ...]
    last_seq: dict[Feed, int]
    ping_interval: float
    pong_timeout: float
    protocol: int = PROTOCOL_VERSION
    state_topics: tuple[str, ...] = ()


class EventFrame(msgspec.Struct, frozen=True):
    """One event of a topic at its place. Units: `timestamp_ms` milliseconds since 1970.

    `deleted`: of a state topic: its key is no more. `traceparent`: the trace in which it was published (W3C), where
    the server shows it.
    """

    topic: str
    name: str
    data: JsonValue
    sequence: int
    key: str | None = None
    id: str | None = None
    timestamp_ms: int | None = None
    deleted: bool = False
    traceparent: str | None = None


class Subscribed(msgspec.Struct, frozen=True):
    """The feed has caught up with `sequence`, after `replayed` events: what follows is live."""

    feed: Feed
    sequence: int
    replayed: int


class Unsubscribed(msgspec.Struct, frozen=True):
    """The feed has ended."""

    feed: Feed


class GapFrame(msgspec.Struct, frozen=True):
    """The events `first` to `last`, both inclusive, will not come. The cursor of the feed is now `last`."""

    feed: Feed
    first: int | None
    last: int
    reason: GapReason


class SnapshotFrame(msgspec.Struct, frozen=True):
    """Forget this feed and its cursor: the whole state follows, up to its `Subscribed`."""

    feed: Feed


class AuthAccepted(msgspec.Struct, frozen=True):
    """The new credentials hold, None: for ever. Units: `expires_at` seconds since 1970, by the server's clock; so
    whoever wants to know how long that is looks at `expires_in`.
    """

    expires_at: int | None
    expires_in: int | None = None


class ErrorFrame(msgspec.Struct, frozen=True):
    """Something asked for was refused; `topic` is the text that it was asked with."""

    code: str
    message: str
    topic: str | None = None


# Either way.


class Ping(msgspec.Struct, frozen=True):
    """Are you there? A server's ping carries the cursors of quiet keyed feeds, so that they do not age."""

    timestamp_ms: int | None = None
    last_seq: dict[Feed, int] = {}


class Pong(msgspec.Struct, frozen=True):
    """Yes. A server repeats the timestamp that it was asked with."""

    timestamp_ms: int | None = None


class UnknownFrame(msgspec.Struct, frozen=True):
    """A frame of a later version: ignored by both sides."""

    kind: str


# Client to server.


class Subscribe(msgspec.Struct, frozen=True):
    """Follow a feed: live, after a cursor, or beginning with its `last` newest events."""

    feed: Feed
    after: int | None = None
    last: int | None = None


class Unsubscribe(msgspec.Struct, frozen=True):
    """Follow it no longer."""

    feed: Feed


class Authenticate(msgspec.Struct, frozen=True):
    """Fresh credentials for the open connection."""

    token: str

    def __repr__(self) -> str:
        # A token in a log is a token given away.
        return "Authenticate(token=…)"


ServerFrame = (
    Connected
    | EventFrame
    | Subscribed
    | Unsubscribed
    | GapFrame
    | SnapshotFrame
    | AuthAccepted
    | ErrorFrame
    | Ping
    | Pong
)
ClientFrame = Subscribe | Unsubscribe | Authenticate | Ping | Pong
