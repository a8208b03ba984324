"""The names that may be said: topics, keys, event names, and the feeds that subscriptions follow."""

import base64
import re
from collections.abc import Container
from typing import Final, Self

import msgspec

from pulse_radar.errors import InvalidEvent, InvalidKey, InvalidTopic

__all__ = [
    "INTERNAL_PREFIX",
    "MAX_SEQUENCE",
    "Feed",
    "check_event_id",
    "check_event_name",
    "check_key",
    "check_sequence",
    "check_topic",
    "is_traceparent",
    "key_of",
]

# JavaScript counts exactly up to here; a sequence is a microsecond, so this lasts until the year 2255.
MAX_SEQUENCE: Final = 2**53 - 1

# Topics of our own (the delivery probe); nobody subscribes to them over the wire.
INTERNAL_PREFIX: Final = "pulse-"

_TOPIC: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_=:-]{1,128}", re.ASCII)
_EVENT_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,127}", re.ASCII)

# It travels in a header of the broker, which takes these as they are.
_EVENT_ID: Final = re.compile(r"[!-~]{1,128}", re.ASCII)

# https://www.w3.org/TR/trace-context/#traceparent-header: an id of zeros is none.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)

# A name is quoted back to whoever sent it, so a long one is cut.
_QUOTED_LENGTH: Final = 80


class Feed(msgspec.Struct, frozen=True, order=True):
    """What a subscription follows: a whole topic, or one key of it.

    Shape: `topic` or `topic/key` as text.
    Raises: InvalidTopic, InvalidKey.
    """

    topic: str
    key: str | None = None

    def __post_init__(self) -> None:
        check_topic(self.topic)
        if self.key is not None:
            check_key(self.key)

    @classmethod
    def parse(cls, text: str) -> Self:
        topic, slash, key = text.partition("/")
        return cls(topic, key if slash else None)

    @classmethod
    def of_event(cls, followed: Container["Feed"], topic: str, key: str | None) -> "Feed":
        """As which of these an event comes. A whole topic and keys of it are never followed at once."""
        whole = cls(topic)
        return whole if whole in followed else cls(topic, key)

    @property
    def whole(self) -> "Feed":
        """The feed of the whole topic that this one belongs to."""
        return self if self.key is None else Feed(self.topic)

    def __str__(self) -> str:
        return self.topic if self.key is None else f"{self.topic}/{self.key}"


def check_topic(text: str) -> str:
    """Return `text` if it is a topic's name, else raise InvalidTopic."""
    if _TOPIC.fullmatch(text):
        return text
    raise InvalidTopic(
        f"invalid topic {_quote(text)}: a topic starts with a lower-case letter and has at most "
        "63 lower-case letters, digits, '_' and '-'"
    )


def key_of(text: str) -> str:
    """A key for a text of up to 96 bytes, as a path or an address: its base64url. Raises: InvalidKey."""
    return check_key(base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))


def check_key(text: str) -> str:
    """Return `text` if it is a key, else raise InvalidKey."""
    if _KEY.fullmatch(text):
        return text
    raise InvalidKey(f"invalid key {_quote(text)}: a key has 1 to 128 letters, digits, '_', '=', ':' and '-'")


def check_event_name(text: str) -> str:
    """Return `text` if it is an event's name, else raise InvalidEvent."""
    if _EVENT_NAME.fullmatch(text):
        return text
    raise InvalidEvent(
        f"invalid event name {_quote(text)}: it starts with a letter and has at most 128 letters, "
        "digits, '_', '.', ':' and '-'"
    )


def check_event_id(text: str) -> str:
    """Return `text` if it can be an event's id, else raise InvalidEvent."""
    if _EVENT_ID.fullmatch(text):
        return text
    raise InvalidEvent(
        f"invalid event id {_quote(text)}: it has 1 to 128 printable ASCII characters and no spaces"
    )


def is_traceparent(text: str) -> bool:
    """Whether it says which trace something belongs to, in the words of W3C Trace Context, version 0."""
    return _TRACEPARENT.fullmatch(text) is not None


def check_sequence(number: int) -> int:
    """Return `number` if it can be a sequence or a cursor, else raise ValueError."""
    if 0 <= number <= MAX_SEQUENCE:
        return number
    raise ValueError(f"invalid sequence {str(number)[:_QUOTED_LENGTH]}: it lies between 0 and {MAX_SEQUENCE}")


def _quote(text: str) -> str:
    # ascii() keeps control characters and lone surrogates out of logs and frames.
    shown = ascii(text[:_QUOTED_LENGTH])
    return shown if len(text) <= _QUOTED_LENGTH else f"{shown}…"
