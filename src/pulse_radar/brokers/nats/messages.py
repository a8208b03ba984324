"""Events as messages of a server, and back: body, headers, and the key in the subject."""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

import msgspec

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.errors import InvalidEvent, InvalidKey
from pulse_radar.protocol.codec import decode_body, encode_body, encode_event
from pulse_radar.protocol.frames import GapReason
from pulse_radar.protocol.grammar import check_key
from pulse_radar.stream.entry import Entry, Gap, StoredEvent

__all__ = [
    "Copy",
    "Message",
    "body_of",
    "entries_of",
    "entry_of",
    "event_id_of",
    "headers_of",
    "is_stored",
    "sequence_of",
    "subject_of",
]

_EVENT_ID: Final = "Nats-Msg-Id"
_EXPECT_LAST: Final = "Nats-Expected-Last-Subject-Sequence"
_SEQUENCE: Final = "Nats-Sequence"
_SUBJECT: Final = "Nats-Subject"


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


def headers_of(draft: Draft, expect_last: int | None) -> dict[str, str]:
    headers = {_EVENT_ID: draft.id}
    return headers if expect_last is None else headers | {_EXPECT_LAST: str(expect_last)}


def is_stored(message: Message) -> bool:
    """Whether a stream stored it: it is an event then, and no status of the server."""
    # Not by a header "Status": a publisher can put one on an event.
    return message.headers is not None and _SEQUENCE in message.headers


def sequence_of(message: Message) -> int:
    """The number under which it is stored."""
    return int(_headers(message)[_SEQUENCE])


def subject_of(message: Message) -> str:
    return _headers(message)[_SUBJECT]


def event_id_of(message: Message) -> str | None:
    return _headers(message).get(_EVENT_ID)


def entry_of(naming: Naming, topic: str, message: Message) -> Entry:
    """The event in a stored message, or the gap that it is for us if it is something else."""
    sequence = sequence_of(message)
    key = naming.key_text(topic, subject_of(message))
    try:
        body = decode_body(message.data)
        if key is not None:
            check_key(key)
    except (InvalidEvent, InvalidKey):
        return Gap(sequence, sequence, GapReason.UNREADABLE)
    text = encode_event(topic, sequence, body, key=key, event_id=event_id_of(message))
    return StoredEvent(sequence, key, text)


def entries_of(naming: Naming, topic: str, messages: Iterable[Message]) -> list[Entry]:
    return [entry_of(naming, topic, message) for message in messages]


def _headers(message: Message) -> Mapping[str, str]:
    return message.headers or {}
