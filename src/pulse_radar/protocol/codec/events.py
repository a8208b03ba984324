"""Events to JSON text and back: the frame of one that is stored, and the body that a broker keeps."""

from typing import Annotated, Final

import msgspec

from pulse_radar.errors import InvalidEvent
from pulse_radar.protocol.codec.wire import SequenceWire
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.protocol.grammar import Feed, check_event_name
from pulse_radar.protocol.json_value import EXACT_INTEGER, MAX_DEPTH, JsonValue, check_depth

__all__ = ["DELETION", "EventBody", "decode_body", "decode_event", "encode_body", "encode_event"]

_encode: Final = msgspec.json.Encoder().encode


class _EventWire(
    msgspec.Struct, omit_defaults=True, rename={"name": "event", "seq": "_seq", "timestamp_ms": "ts"}
):
    topic: str
    name: str
    data: msgspec.Raw
    seq: SequenceWire
    key: str | None = None
    id: str | None = None
    timestamp_ms: int | None = None
    deleted: bool = False
    traceparent: str | None = None


class EventBody(msgspec.Struct, omit_defaults=True, rename={"name": "event", "timestamp_ms": "ts"}):
    """What a broker keeps of an event: its name, its data as JSON, milliseconds since 1970."""

    name: str
    data: msgspec.Raw
    # Any language may have written it, and a browser must be able to read it.
    timestamp_ms: Annotated[int, msgspec.Meta(ge=-EXACT_INTEGER, le=EXACT_INTEGER)] | None = None


# What a deletion says, for clients that look at names only: that it is one is told beside it.
DELETION: Final = EventBody("deleted", msgspec.Raw(b"{}"))

_event_decoder: Final = msgspec.json.Decoder(_EventWire)
_body_decoder: Final = msgspec.json.Decoder(EventBody)
_any_decoder: Final = msgspec.json.Decoder()


def encode_event(
    topic: str,
    sequence: int,
    body: EventBody,
    *,
    key: str | None = None,
    event_id: str | None = None,
    deleted: bool = False,
    traceparent: str | None = None,
) -> bytes:
    """The frame of a stored event. Cost: one copy of its data; this is done once per event."""
    return _encode(
        _EventWire(
            topic, body.name, body.data, sequence, key, event_id, body.timestamp_ms, deleted, traceparent
        )
    )


def encode_body(name: str, data: bytes, timestamp_ms: int | None = None) -> bytes:
    """What a broker stores: any language can write it."""
    return _encode(EventBody(name, msgspec.Raw(data), timestamp_ms))


def decode_body(content: bytes) -> EventBody:
    """The event in a broker's message. Raises: InvalidEvent, when it is something else."""
    try:
        body = _body_decoder.decode(content)
        # Raw data is only skipped over: an invalid byte in it, or 1e999, would cost every reader its socket.
        data = _any_decoder.decode(body.data)
        # Few have so many brackets that a look at how deep they go is needed.
        if content.count(b"[") + content.count(b"{") > MAX_DEPTH:
            check_depth(data)
        check_event_name(body.name)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent(f"not an event: {error}") from error
    return body


def decode_event(text: bytes | str) -> EventFrame:
    """The event in a frame that is one. Raises: msgspec.DecodeError, UsageError."""
    wire = _event_decoder.decode(text)
    feed = Feed(wire.topic, wire.key)
    data: JsonValue = _any_decoder.decode(wire.data)
    name = check_event_name(wire.name)
    return EventFrame(
        feed.topic,
        name,
        data,
        wire.seq,
        feed.key,
        wire.id,
        wire.timestamp_ms,
        wire.deleted,
        wire.traceparent,
    )
