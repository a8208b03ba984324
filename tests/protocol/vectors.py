"""The vectors of wire version 1, and our frames put into their words."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar, assert_never

from pulse_radar.protocol.frames import (
    AuthAccepted,
    Authenticate,
    ClientFrame,
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed

__all__ = ["DIRECTORY", "Vector", "by_text", "client_meaning", "load", "server_meaning"]

_T = TypeVar("_T")

Vector = dict[str, Any]

DIRECTORY: Final = Path(__file__).parents[2] / "protocol" / "vectors"


def load(name: str) -> Vector:
    """One file of vectors."""
    content: Vector = json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))
    return content


def by_text(values: Mapping[Feed, _T]) -> dict[str, _T]:
    """The same by the text of each feed."""
    return {str(feed): value for feed, value in values.items()}


def server_meaning(frame: ServerFrame) -> Vector:
    """What a server's frame means, in the words of the vectors."""
    match frame:
        case Connected():
            return {
                "kind": "connected",
                "connectionId": frame.connection_id,
                "topics": [str(feed) for feed in frame.topics],
                "protocol": frame.protocol,
                "pingInterval": frame.ping_interval,
                "pongTimeout": frame.pong_timeout,
                "lastSeq": by_text(frame.last_seq),
            } | ({"state": [*frame.state_topics]} if frame.state_topics else {})
        case EventFrame():
            deleted = {"deleted": True} if frame.deleted else {}
            traced = {"traceparent": frame.traceparent} if frame.traceparent else {}
            return {
                "kind": "event",
                "topic": frame.topic,
                "key": frame.key,
                "event": frame.name,
                "data": frame.data,
                "sequence": frame.sequence,
                "id": frame.id,
                "timestampMs": frame.timestamp_ms,
                **deleted,
                **traced,
            }
        case Subscribed(feed, sequence, replayed):
            return {"kind": "subscribed", "feed": str(feed), "sequence": sequence, "replayed": replayed}
        case Unsubscribed(feed):
            return {"kind": "unsubscribed", "feed": str(feed)}
        case GapFrame(feed, first, last, reason):
            return {"kind": "gap", "feed": str(feed), "from": first, "to": last, "reason": reason.value}
        case SnapshotFrame(feed):
            return {"kind": "snapshot", "feed": str(feed)}
        case AuthAccepted(expires_at, expires_in):
            return {"kind": "auth", "expiresAt": expires_at, "expiresIn": expires_in}
        case ErrorFrame(code, message, topic):
            return {"kind": "error", "code": code, "message": message, "topic": topic}
        case Ping(timestamp_ms, last_seq):
            return {"kind": "ping", "timestampMs": timestamp_ms, "lastSeq": by_text(last_seq)}
        case Pong(timestamp_ms):
            return {"kind": "pong", "timestampMs": timestamp_ms}
        case _:
            assert_never(frame)


def client_meaning(frame: ClientFrame) -> Vector:
    """What a client's frame means, in the words of the vectors."""
    match frame:
        case Subscribe(feed, after, last):
            return {"kind": "subscribe", "feed": str(feed), "after": after, "last": last}
        case Unsubscribe(feed):
            return {"kind": "unsubscribe", "feed": str(feed)}
        case Authenticate(token):
            return {"kind": "auth", "token": token}
        case Ping(timestamp_ms):
            return {"kind": "ping", "timestampMs": timestamp_ms}
        case Pong():
            return {"kind": "pong"}
        case _:
            assert_never(frame)
