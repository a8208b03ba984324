"""Frames of a client to JSON text and back."""

from typing import Any, Final, assert_never

import msgspec

from pulse_radar.errors import InvalidCursor, ProtocolError
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec.wire import KIND_LENGTH, PingWire
from pulse_radar.protocol.frames import (
    Authenticate,
    ClientFrame,
    Ping,
    Pong,
    Subscribe,
    UnknownFrame,
    Unsubscribe,
)
from pulse_radar.protocol.grammar import Feed, check_sequence

__all__ = ["decode_client", "encode_client"]

_encode: Final = msgspec.json.Encoder().encode


class _ClientHead(msgspec.Struct):
    action: str


class _FeedWire(msgspec.Struct):
    topic: str
    key: str | None = None


class _SubscribeWire(_FeedWire, rename={"last_seq": "lastSeq"}):
    last_seq: int | None = None
    last: int | None = None


class _TokenWire(msgspec.Struct):
    token: str


_head_decoder: Final = msgspec.json.Decoder(_ClientHead)
_ping_decoder: Final = msgspec.json.Decoder(PingWire)
_feed_decoder: Final = msgspec.json.Decoder(_FeedWire)
_subscribe_decoder: Final = msgspec.json.Decoder(_SubscribeWire)


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
        return _decode_client(_head_decoder.decode(text).action, text)
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
            return UnknownFrame(action[:KIND_LENGTH])


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
