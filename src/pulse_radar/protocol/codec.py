"""Frames to JSON text and back: the only file that knows the names on the wire."""

from typing import Annotated, Any, Final, TypeVar, assert_never

import msgspec

from pulse_radar.errors import InvalidCursor, InvalidEvent, ProtocolError, UsageError
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import (
    PROTOCOL_VERSION,
    AuthAccepted,
    Authenticate,
    ClientFrame,
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    GapReason,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    Subscribe,
    Subscribed,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import MAX_SEQUENCE, Feed, check_event_name, check_sequence
from pulse_radar.protocol.json_value import JsonValue, encode_data

__all__ = [
    "DELETION",
    "EventBody",
    "decode_body",
    "decode_client",
    "decode_server",
    "encode_body",
    "encode_client",
    "encode_close",
    "encode_event",
    "encode_server",
    "kind_of",
]

_T = TypeVar("_T")
_Sequence = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]

# So much of an unknown kind is kept, for a log.
_KIND_LENGTH: Final = 80

_encode: Final = msgspec.json.Encoder().encode

# The name of the event that a deletion is for clients that look at names only.
_DELETED: Final = "deleted"


# Shapes on the wire. Fields are named as the frames' are; `rename` is what is said.


class _EventWire(
    msgspec.Struct, omit_defaults=True, rename={"name": "event", "seq": "_seq", "timestamp_ms": "ts"}
):
    topic: str
    name: str
    data: msgspec.Raw
    seq: _Sequence
    key: str | None = None
    id: str | None = None
    timestamp_ms: int | None = None
    deleted: bool = False


# What a frame is is read first, and its fields only then: a later version may say other things under these names.
class _ServerHead(msgspec.Struct, rename={"kind": "type"}):
    kind: str | None = None
    event: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _ClientHead(msgspec.Struct):
    action: str


class _Envelope(msgspec.Struct):
    data: msgspec.Raw


class _PingWire(msgspec.Struct, rename={"last_seq": "lastSeq"}):
    ts: int | None = None
    last_seq: dict[str, _Sequence] = {}


class _FeedWire(msgspec.Struct):
    topic: str
    key: str | None = None


class _SubscribeWire(_FeedWire, rename={"last_seq": "lastSeq"}):
    last_seq: int | None = None
    last: int | None = None


class _TokenWire(msgspec.Struct):
    token: str


class _ConnectionWire(msgspec.Struct, rename="camel"):
    connection_id: str
    topics: tuple[str, ...]
    # The decision record's own greeting has none of these; its intervals are meant then.
    ping_interval: float = 20
    pong_timeout: float = 30
    protocol: int = PROTOCOL_VERSION
    last_seq: dict[str, _Sequence] = {}
    state: tuple[str, ...] = ()


class _SubscriptionWire(msgspec.Struct):
    action: str
    topic: str
    seq: _Sequence = 0
    replayed: int = 0


class _GapWire(msgspec.Struct, rename={"first": "from", "last": "to"}):
    topic: str
    first: _Sequence | None
    last: _Sequence
    reason: GapReason


class _TopicWire(msgspec.Struct):
    topic: str


class _AuthWire(msgspec.Struct, rename="camel"):
    expires_at: int | None = None


class _ErrorWire(msgspec.Struct, omit_defaults=True):
    code: str
    message: str
    topic: str | None = None


class EventBody(msgspec.Struct, omit_defaults=True, rename={"name": "event", "timestamp_ms": "ts"}):
    """What a broker keeps of an event: its name, its data as JSON, milliseconds since 1970."""

    name: str
    data: msgspec.Raw
    timestamp_ms: int | None = None


# What a deletion says: that it is one is told beside it.
DELETION: Final = EventBody(_DELETED, msgspec.Raw(b"{}"))

_event_decoder: Final = msgspec.json.Decoder(_EventWire)
_server_head_decoder: Final = msgspec.json.Decoder(_ServerHead)
_client_head_decoder: Final = msgspec.json.Decoder(_ClientHead)
_ping_decoder: Final = msgspec.json.Decoder(_PingWire)
_feed_decoder: Final = msgspec.json.Decoder(_FeedWire)
_subscribe_decoder: Final = msgspec.json.Decoder(_SubscribeWire)
_body_decoder: Final = msgspec.json.Decoder(EventBody)
_any_decoder: Final = msgspec.json.Decoder()


# Events and their bodies.


def encode_event(
    topic: str,
    sequence: int,
    body: EventBody,
    *,
    key: str | None = None,
    event_id: str | None = None,
    deleted: bool = False,
) -> bytes:
    """The frame of a stored event. Cost: one copy of its data; this is done once per event."""
    return _encode(
        _EventWire(topic, body.name, body.data, sequence, key, event_id, body.timestamp_ms, deleted)
    )


def encode_body(name: str, data: bytes, timestamp_ms: int | None = None) -> bytes:
    """What a broker stores: any language can write it."""
    return _encode(EventBody(name, msgspec.Raw(data), timestamp_ms))


def decode_body(content: bytes) -> EventBody:
    """The event in a broker's message. Raises: InvalidEvent, when it is something else."""
    try:
        body = _body_decoder.decode(content)
        # Raw data is only skipped over: an invalid byte in it, or 1e999, would cost every reader its socket.
        _any_decoder.decode(body.data)
        check_event_name(body.name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"not an event: {error}") from error
    return body


# Server frames.


def encode_server(frame: ServerFrame) -> bytes:
    """The text of a server's frame. Raises: InvalidEvent, when an event's data is not JSON for everyone."""
    if isinstance(frame, EventFrame):
        body = EventBody(frame.name, msgspec.Raw(encode_data(frame.data)), frame.timestamp_ms)
        return encode_event(
            frame.topic, frame.sequence, body, key=frame.key, event_id=frame.id, deleted=frame.deleted
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
            return {"type": "gap", "data": _GapWire(str(feed), first, last, reason)}
        case SnapshotFrame(feed):
            return {"type": "snapshot", "data": _TopicWire(str(feed))}
        case AuthAccepted(expires_at):
            return {"type": "auth", "data": _AuthWire(expires_at)}
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
    return _server_head_decoder.decode(text).kind


def decode_server(text: bytes | str) -> ServerFrame | UnknownFrame:
    """The frame in a server's text. Raises: ProtocolError (1002), when it is none."""
    try:
        head = _server_head_decoder.decode(text)
        if head.kind is not None:
            return _decode_control(head.kind, text)
        if head.event is not msgspec.UNSET:
            return _decode_event(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError, UsageError) as error:
        raise ProtocolError(f"not a server's frame: {error}", 1002) from error
    return UnknownFrame("")


def _decode_event(text: bytes | str) -> EventFrame:
    wire = _event_decoder.decode(text)
    feed = Feed(wire.topic, wire.key)
    data: JsonValue = _any_decoder.decode(wire.data)
    name = check_event_name(wire.name)
    return EventFrame(feed.topic, name, data, wire.seq, feed.key, wire.id, wire.timestamp_ms, wire.deleted)


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
            return GapFrame(Feed.parse(gap.topic), gap.first, gap.last, gap.reason)
        case "snapshot":
            return SnapshotFrame(Feed.parse(_data(text, _TopicWire).topic))
        case "auth":
            return AuthAccepted(_data(text, _AuthWire).expires_at)
        case "error":
            error = _data(text, _ErrorWire)
            return ErrorFrame(error.code, error.message, error.topic)
        case "connection":
            return _decode_connection(_data(text, _ConnectionWire))
        case _:
            return UnknownFrame(kind[:_KIND_LENGTH])


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


# Client frames.


def encode_client(frame: ClientFrame) -> bytes:
    """The text of a client's frame."""
    match frame:
        case Subscribe(feed, after, last):
            wire = _feed("subscribe", feed)
            optional = {"lastSeq": after, "last": last}
            return _encode(wire | {name: value for name, value in optional.items() if value is not None})
        case Unsubscribe(feed):
            return _encode(_feed("unsubscribe", feed))
        case Authenticate(token):
            return _encode({"action": "auth", "token": token})
        case Ping(ts):
            return _encode({"action": "ping"} if ts is None else {"action": "ping", "ts": ts})
        case Pong():
            return _encode({"action": "pong"})
        case _:
            assert_never(frame)


def _feed(action: str, feed: Feed) -> dict[str, Any]:
    wire = {"action": action, "topic": feed.topic}
    return wire if feed.key is None else wire | {"key": feed.key}


def decode_client(text: bytes | str) -> ClientFrame | UnknownFrame:
    """The frame in a client's text.

    Raises: ProtocolError (4400), when it is none; InvalidTopic, InvalidKey or InvalidCursor, when it is a
    frame that asks for something that cannot be: the connection goes on with an `error` frame.
    """
    try:
        return _decode_client(_client_head_decoder.decode(text).action, text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolError(f"not a client's frame: {error}", CloseCode.MALFORMED) from error


def _decode_client(action: str, text: bytes | str) -> ClientFrame | UnknownFrame:
    match action:
        case "subscribe":
            return _decode_subscribe(_subscribe_decoder.decode(text))
        case "unsubscribe":
            wire = _feed_decoder.decode(text)
            return Unsubscribe(Feed(wire.topic, wire.key))
        case "auth":
            return Authenticate(msgspec.json.decode(text, type=_TokenWire).token)
        case "ping":
            return Ping(_ping_decoder.decode(text).ts)
        case "pong":
            return Pong()
        case _:
            return UnknownFrame(action[:_KIND_LENGTH])


def _decode_subscribe(wire: _SubscribeWire) -> Subscribe:
    feed = Feed(wire.topic, wire.key)
    if wire.last_seq is not None and wire.last is not None:
        raise InvalidCursor("subscribe names both lastSeq and last: send one of them")
    for name, number in (("lastSeq", wire.last_seq), ("last", wire.last)):
        if number is not None:
            _check(name, number)
    return Subscribe(feed, wire.last_seq, wire.last)


def _check(name: str, number: int) -> None:
    try:
        check_sequence(number)
    except ValueError as error:
        raise InvalidCursor(f"{name}: {error}") from None
