"""Events as messages of a server, and back: body, headers, and the key in the subject."""

import logging
import math
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.errors import InvalidEvent, InvalidKey
from pulse_radar.protocol.codec import DELETION, EventBody, decode_body, encode_body, encode_event
from pulse_radar.protocol.frames import GapReason
from pulse_radar.protocol.grammar import check_event_id, check_key, is_traceparent
from pulse_radar.stream.entry import Entry, Gap, StoredEvent

__all__ = [
    "Copy",
    "Kinds",
    "Message",
    "batch_headers",
    "body_of",
    "entry_of",
    "event_id_of",
    "headers_of",
    "is_stored",
    "is_stored_in",
    "sequence_of",
    "subject_of",
    "traceparent_of",
]

_logger: Final = logging.getLogger(__name__)

_EVENT_ID: Final = "Nats-Msg-Id"
_EXPECT_LAST: Final = "Nats-Expected-Last-Subject-Sequence"
# A batch is stored as a whole when its last message, marked by the third, is there.
_BATCH: Final = "Nats-Batch-Id"
_PLACE_IN_BATCH: Final = "Nats-Batch-Sequence"
_COMMIT: Final = "Nats-Batch-Commit"
_STREAM: Final = "Nats-Stream"
_SEQUENCE: Final = "Nats-Sequence"
_SUBJECT: Final = "Nats-Subject"
_TTL: Final = "Nats-TTL"
_TRACEPARENT: Final = "traceparent"

# The server puts the first on what it writes where an event's time is over, and takes the second for as good: where
# the time of such a message is over, it writes no other.
_MARKER: Final = "Nats-Marker-Reason"
_OPERATION: Final = "KV-Operation"
_PURGE: Final = "PURGE"

# Of each topic whose stream was seen: whether it is a state. What a message means depends on it.
Kinds = dict[str, bool]


class Message(Protocol):
    """What we need of a message, however it came."""

    @property
    def headers(self) -> Mapping[str, str] | None: ...

    @property
    def data(self) -> bytes: ...


class Copy(msgspec.Struct, frozen=True, rename={"sequence": "seq", "header_block": "hdrs"}):
    """A stored message as a stream's leader shows it: in JSON, with its headers as they were sent."""

    subject: str
    sequence: int
    header_block: bytes = b""
    data: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        _, *lines = self.header_block.decode(errors="replace").strip().split("\r\n")
        sent = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        # Last, for a publisher can send headers of these names.
        return sent | {_SEQUENCE: str(self.sequence), _SUBJECT: self.subject}


def body_of(draft: Draft) -> bytes:
    return encode_body(draft.name, draft.data, draft.timestamp_ms)


def headers_of(
    draft: Draft, expect_last: int | None, *, deletions_kept_seconds: float | None = None
) -> dict[str, str]:
    """`deletions_kept_seconds` is for a deletion: its topic's stream knows it."""
    headers = {_EVENT_ID: draft.id}
    if expect_last is not None:
        headers[_EXPECT_LAST] = str(expect_last)
    if draft.is_deletion:
        headers[_OPERATION] = _PURGE
    if draft.traceparent is not None:
        headers[_TRACEPARENT] = draft.traceparent
    ttl = deletions_kept_seconds if draft.is_deletion else draft.ttl_seconds
    if ttl is not None:
        # The server counts in whole seconds.
        headers[_TTL] = f"{math.ceil(ttl)}s"
    return headers


def batch_headers(batch: str, place: int, *, is_last: bool) -> dict[str, str]:
    """What makes a message the one at this place, counted from 1, of a batch."""
    headers = {_BATCH: batch, _PLACE_IN_BATCH: str(place)}
    return headers | {_COMMIT: "1"} if is_last else headers


def is_stored(message: Message) -> bool:
    """Whether a stream stored it: it is an event then, and no status of the server."""
    # Not by a header "Status": a publisher can put one on an event.
    return message.headers is not None and _SEQUENCE in message.headers


def is_stored_in(stream: str, message: Message) -> bool:
    """Whether this stream did: whoever may make one can have what it stores announced as another's events."""
    headers = message.headers
    return headers is not None and headers.get(_STREAM) == stream and _SEQUENCE in headers


def sequence_of(message: Message) -> int:
    """The number under which it is stored."""
    return int(_headers(message)[_SEQUENCE])


def subject_of(message: Message) -> str:
    return _headers(message)[_SUBJECT]


def event_id_of(message: Message) -> str | None:
    """Its id, if it is one: whoever publishes without us may put anything there."""
    said = _headers(message).get(_EVENT_ID)
    try:
        return None if said is None else check_event_id(said)
    except InvalidEvent:
        return None


def traceparent_of(message: Message) -> str | None:
    """Which trace it belongs to, if it says so: whoever publishes without us may put anything there."""
    said = _headers(message).get(_TRACEPARENT)
    return said if said is not None and is_traceparent(said) else None


def entry_of(
    naming: Naming, topic: str, message: Message, *, is_state: bool, shows_traceparent: bool = False
) -> Entry:
    """The event in a stored message, or the gap that it is for us if it is something else.

    In a state topic it has taken the place of its key's last value: what is no event there is a deletion.
    `shows_traceparent`: to clients, too.
    """
    headers = message.headers or {}
    sequence = int(headers[_SEQUENCE])
    key = naming.key_text(topic, headers[_SUBJECT])
    body = _body(message)
    is_deletion = is_state and key is not None and (body is None or _is_marker(message))
    if (key is not None and not _is_legal(key)) or (body is None and not is_deletion):
        return Gap(sequence, sequence, GapReason.UNREADABLE)
    if body is None and not _is_marker(message):
        _logger.warning("%s/%s: event %d cannot be read; its key is taken for deleted", topic, key, sequence)
    told = DELETION if is_deletion or body is None else body
    traceparent = traceparent_of(message)
    text = encode_event(
        topic,
        sequence,
        told,
        key=key,
        event_id=event_id_of(message),
        deleted=is_deletion,
        traceparent=traceparent if shows_traceparent else None,
    )
    return StoredEvent(sequence, key, text, is_deletion, told.timestamp_ms, traceparent)


def _body(message: Message) -> EventBody | None:
    """What it says, None if that is no event."""
    try:
        return decode_body(message.data)
    except InvalidEvent:
        return None


def _is_legal(key: str) -> bool:
    try:
        return check_key(key) == key
    except InvalidKey:
        return False


def _is_marker(message: Message) -> bool:
    headers = _headers(message)
    return _MARKER in headers or headers.get(_OPERATION) == _PURGE


def _headers(message: Message) -> Mapping[str, str]:
    return message.headers or {}
