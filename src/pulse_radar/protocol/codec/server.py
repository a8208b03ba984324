"""Control frames of a server to JSON text and back, and which of its frames is what."""

from typing import Any, Final, Literal, TypeVar

import msgspec

from pulse_radar.errors import ProtocolError, UsageError
from pulse_radar.protocol.codec.events import EventBody, decode_event, encode_event
from pulse_radar.protocol.codec.wire import KIND_LENGTH, PingWire, SequenceWire
from pulse_radar.protocol.frames import (
    PROTOCOL_VERSION,
    AuthAccepted,
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    GapReason,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    Subscribed,
    UnknownFrame,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.protocol.json_value import encode_data

__all__ = ["FRAME_SEPARATOR", "decode_server", "encode_close", "encode_server", "kind_of"]

# Between frames that share a message. No JSON holds it: in a text it would be escaped (RFC 8259, section 7).
FRAME_SEPARATOR: Final = b"\x1e"

_T = TypeVar("_T")

_encode: Final = msgspec.json.Encoder().encode


# What a frame is is read first, and its fields only then: a later version may say other things under these names.
class _ServerHead(msgspec.Struct, rename={"kind": "type"}):
    kind: str | None = None
    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Envelope(msgspec.Struct):
    data: msgspec.Raw


class _ConnectionWire(msgspec.Struct, rename="camel"):
    connection_id: str
    topics: tuple[str, ...]
    # The decision record's own greeting has none of these; its intervals are meant then.
    ping_interval: float = 20
    pong_timeout: float = 30
    protocol: int = PROTOCOL_VERSION
    last_seq: dict[str, SequenceWire] = {}
    state: tuple[str, ...] = ()


class _SubscriptionWire(msgspec.Struct):
    action: str
    topic: str
    seq: SequenceWire = 0
    replayed: int = 0


class _GapWire(msgspec.Struct, rename={"first": "from", "last": "to"}):
    topic: str
    first: SequenceWire | None
    last: SequenceWire
    # Of the reasons a server's; a client's own is none of them.
    reason: Literal["expired", "reset", "unreadable"]


class _TopicWire(msgspec.Struct):
    topic: str


class _AuthWire(msgspec.Struct, rename="camel"):
    expires_at: int | None = None
    expires_in: int | None = None


class _ErrorWire(msgspec.Struct, omit_defaults=True):
    code: str
    message: str
    topic: str | None = None


_head_decoder: Final = msgspec.json.Decoder(_ServerHead)
_ping_decoder: Final = msgspec.json.Decoder(PingWire)


def encode_server(frame: ServerFrame) -> bytes:
    """The text of a server's frame. Raises: InvalidEvent, when an event's data is not JSON for everyone."""
    if isinstance(frame, EventFrame):
        body = EventBody(frame.name, msgspec.Raw(encode_data(frame.data)), frame.timestamp_ms)
        return encode_event(
            frame.topic,
            frame.sequence,
            body,
            key=frame.key,
            event_id=frame.id,
            deleted=frame.deleted,
            traceparent=frame.traceparent,
        )
    return _encode(_control(frame))


def _control(frame: ServerFrame) -> dict[str, Any]:
    match frame:
        case Ping(ts, last_seq):
            return {"type": "ping", "ts": ts} | ({"lastSeq": _positions(last_seq)} if last_seq else {})
        case Pong(ts):
            return {"type": "pong", "ts": ts}
        case Subscribed(feed, sequence, replayed):
            data = {"action": "subscribed", "topic": str(feed), "seq": sequence, "replayed": replayed}
            return {"type": "subscription", "data": data}
        case Unsubscribed(feed):
            return {"type": "subscription", "data": {"action": "unsubscribed", "topic": str(feed)}}
        case GapFrame(feed, first, last, reason):
            return {"type": "gap", "data": {"topic": str(feed), "from": first, "to": last, "reason": reason}}
        case SnapshotFrame(feed):
            return {"type": "snapshot", "data": _TopicWire(str(feed))}
        case AuthAccepted(expires_at, expires_in):
            return {"type": "auth", "data": _AuthWire(expires_at, expires_in)}
        case ErrorFrame(code, message, topic):
            return {"type": "error", "data": _ErrorWire(code, message, topic)}
        case Connected():
            return {"type": "connection", "data": _connection(frame)}
        case _:
            raise TypeError(f"not a control frame: {frame!r}")


def _connection(frame: Connected) -> dict[str, Any]:
    return {
        "status": "connected",
        "connectionId": frame.connection_id,
        "topics": [str(feed) for feed in frame.topics],
        "protocol": frame.protocol,
        "pingInterval": _plain(frame.ping_interval),
        "pongTimeout": _plain(frame.pong_timeout),
        "lastSeq": _positions(frame.last_seq),
    } | ({"state": frame.state_topics} if frame.state_topics else {})


def _plain(seconds: float) -> float:
    # 20, not 20.0: as the decision record writes it.
    return int(seconds) if seconds == int(seconds) else seconds


def _positions(last_seq: dict[Feed, int]) -> dict[str, int]:
    return {str(feed): sequence for feed, sequence in last_seq.items()}


def encode_close(code: int, reason: str) -> bytes:
    """How a connection ends, for a wire without close frames."""
    return _encode({"type": "close", "data": {"code": code, "reason": reason}})


def kind_of(text: bytes) -> str | None:
    """What kind of control frame a server's text is; None for an event."""
    return _head_decoder.decode(text).kind


def decode_server(text: bytes | str) -> ServerFrame | UnknownFrame:
    """The frame in a server's text. Raises: ProtocolError (1002), when it is none."""
    try:
        head = _head_decoder.decode(text)
        if head.kind is not None:
            return _decode_control(head.kind, text)
        if head.event is not msgspec.UNSET:
            return decode_event(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError, UsageError) as error:
        raise ProtocolError(f"not a server's frame: {error}", 1002) from error
    return UnknownFrame("")


def _decode_control(kind: str, text: bytes | str) -> ServerFrame | UnknownFrame:
    match kind:
        case "ping":
            ping = _ping_decoder.decode(text)
            return Ping(ping.ts, _feeds(ping.last_seq))
        case "pong":
            return Pong(_ping_decoder.decode(text).ts)
        case "subscription":
            return _decode_subscription(_data(text, _SubscriptionWire))
        case "gap":
            gap = _data(text, _GapWire)
            return GapFrame(Feed.parse(gap.topic), gap.first, gap.last, GapReason(gap.reason))
        case "snapshot":
            return SnapshotFrame(Feed.parse(_data(text, _TopicWire).topic))
        case "auth":
            auth = _data(text, _AuthWire)
            return AuthAccepted(auth.expires_at, auth.expires_in)
        case "error":
            error = _data(text, _ErrorWire)
            return ErrorFrame(error.code, error.message, error.topic)
        case "connection":
            return _decode_connection(_data(text, _ConnectionWire))
        case _:
            return UnknownFrame(kind[:KIND_LENGTH])


def _data(text: bytes | str, shape: type[_T]) -> _T:
    return msgspec.json.decode(msgspec.json.decode(text, type=_Envelope).data, type=shape)


def _decode_subscription(wire: _SubscriptionWire) -> ServerFrame | UnknownFrame:
    feed = Feed.parse(wire.topic)
    match wire.action:
        case "subscribed":
            return Subscribed(feed, wire.seq, wire.replayed)
        case "unsubscribed":
            return Unsubscribed(feed)
        case _:
            return UnknownFrame("subscription")


def _decode_connection(wire: _ConnectionWire) -> Connected:
    return Connected(
        connection_id=wire.connection_id,
        topics=tuple(Feed.parse(topic) for topic in wire.topics),
        last_seq=_feeds(wire.last_seq),
        ping_interval=wire.ping_interval,
        pong_timeout=wire.pong_timeout,
        protocol=wire.protocol,
        state_topics=wire.state,
    )


def _feeds(last_seq: dict[str, int]) -> dict[Feed, int]:
    return {Feed.parse(text): sequence for text, sequence in last_seq.items()}
