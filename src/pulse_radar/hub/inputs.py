"""What the hub is told. Each is a fact from outside, stamped with the time it is handed over."""

import math

import msgspec

from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.cursor import Cursor
from pulse_radar.protocol.frames import ClientFrame, ErrorFrame, UnknownFrame
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent, Page

__all__ = [
    "Arrived",
    "BrokerBack",
    "BrokerLost",
    "ClientInput",
    "Closed",
    "Congested",
    "Draining",
    "Evicted",
    "Input",
    "LogOpened",
    "Measured",
    "Misbehaved",
    "Opened",
    "Overflowed",
    "PageRead",
    "ReadFailed",
    "Received",
    "Refused",
    "Renewed",
    "StateOpened",
    "Ticked",
    "TopicInput",
    "Writable",
]


class Opened(msgspec.Struct, frozen=True):
    """A client connected and asked for these feeds; `refused` is what it asked for in vain.

    Units: `deadline` monotonic seconds, when its credentials run out; `expires_at` the same in seconds since 1970.
    `who` is for people who look at connections.
    """

    connection_id: str
    feeds: tuple[Feed, ...]
    cursor: Cursor = Cursor()
    refused: tuple[ErrorFrame, ...] = ()
    deadline: float = math.inf
    expires_at: float | None = None
    who: str = ""


class Received(msgspec.Struct, frozen=True):
    """A client sent a frame; one that could not be read is told as `Refused`."""

    connection_id: str
    frame: ClientFrame | UnknownFrame


class Refused(msgspec.Struct, frozen=True):
    """A client sent something that was refused before it reached the hub."""

    connection_id: str
    error: ErrorFrame


class Renewed(msgspec.Struct, frozen=True):
    """A client showed fresh credentials, which hold, and no longer cover what is `lost`.

    Units: `deadline` monotonic seconds; `expires_at` the same in seconds since 1970, None for never.
    """

    connection_id: str
    deadline: float
    expires_at: float | None
    lost: tuple[Feed, ...] = ()


class Misbehaved(msgspec.Struct, frozen=True):
    """A client broke the protocol, which this close code says how."""

    connection_id: str
    code: CloseCode
    reason: str


class Evicted(msgspec.Struct, frozen=True):
    """Somebody sends a client away, which did nothing wrong."""

    connection_id: str


class Closed(msgspec.Struct, frozen=True):
    """A connection is gone, whoever ended it."""

    connection_id: str


class Writable(msgspec.Struct, frozen=True):
    """A connection that was awaited has room for more."""

    connection_id: str


class Congested(msgspec.Struct, frozen=True):
    """A connection takes less than is written to it."""

    connection_id: str


class Overflowed(msgspec.Struct, frozen=True):
    """The unsent bytes of a connection passed the bound."""

    connection_id: str


class LogOpened(msgspec.Struct, frozen=True):
    """The tail of a log starts after the position `start` and has `head` to reach before it is current."""

    topic: str
    start: int
    head: int


class StateOpened(msgspec.Struct, frozen=True):
    """The tail of a state topic starts after the position `start`, with what is kept of a topic that reaches so far."""

    topic: str
    start: int
    extent: Extent


class Arrived(msgspec.Struct, frozen=True):
    """The tail of a topic brought entries."""

    topic: str
    entries: tuple[Entry, ...]


class PageRead(msgspec.Struct, frozen=True):
    """The broker answered a `Read`."""

    ticket: int
    page: Page


class ReadFailed(msgspec.Struct, frozen=True):
    """The broker could not answer a `Read`."""

    ticket: int


class Measured(msgspec.Struct, frozen=True):
    """The broker answered a `Measure`; None when it could not."""

    topic: str
    extent: Extent | None


class BrokerLost(msgspec.Struct, frozen=True):
    """Events no longer come through from the broker."""


class BrokerBack(msgspec.Struct, frozen=True):
    """Events come through again."""


class Draining(msgspec.Struct, frozen=True):
    """The process is about to end: its clients are sent to others, within this time and that of the limits."""

    within_seconds: float = math.inf


class Ticked(msgspec.Struct, frozen=True):
    """Time passed. Units: `wall_ms` milliseconds since 1970."""

    wall_ms: int


ClientInput = (
    Opened | Received | Refused | Renewed | Misbehaved | Evicted | Closed | Writable | Congested | Overflowed
)
TopicInput = LogOpened | StateOpened | Arrived | PageRead | ReadFailed | Measured
Input = ClientInput | TopicInput | BrokerLost | BrokerBack | Draining | Ticked
