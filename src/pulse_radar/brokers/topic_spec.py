"""How a topic is kept: a log by count, age and bytes; a state topic the newest event of each key."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from pulse_radar.durations import BOUNDS_IN_WORDS, is_within_bounds, seconds_of
from pulse_radar.errors import InvalidSetting
from pulse_radar.protocol.grammar import check_topic

__all__ = ["DELETIONS_KEPT_SECONDS", "LogTopic", "StateTopic", "TopicSpec", "topic_spec"]

# So long a deletion is remembered: who was away for less hears of it, who was away for longer gets a snapshot.
DELETIONS_KEPT_SECONDS: Final = 600.0


class LogTopic(msgspec.Struct, frozen=True):
    """Every event counts. Kept by count, age and bytes, whichever bites first.

    Units: `max_age_seconds` seconds (None: for ever), `max_bytes` bytes.
    Raises: InvalidTopic, InvalidSetting.
    """

    # By count, by age, by size.
    BOUNDS: ClassVar[tuple[str, str, str]] = ("retain", "max_age_seconds", "max_bytes")

    name: str
    retain: int = 10_000
    max_age_seconds: float | None = 7 * 24 * 3600.0
    max_bytes: int = 1024**3

    def __post_init__(self) -> None:
        check_topic(self.name)
        if self.retain < 1:
            raise InvalidSetting(f"topic {self.name!r}: retain is {self.retain}, it must be at least 1")
        if self.max_age_seconds is not None and not is_within_bounds(self.max_age_seconds):
            raise InvalidSetting(
                f"topic {self.name!r}: max_age is {self.max_age_seconds} s: {BOUNDS_IN_WORDS}"
            )
        if self.max_bytes < 1024:
            raise InvalidSetting(f"topic {self.name!r}: max_bytes is {self.max_bytes}, at least 1024")


class StateTopic(msgspec.Struct, frozen=True):
    """The newest event of each key counts. Every API process holds all of it in memory, which the bounds are for.

    `ttl_seconds`: a key that is not renewed for so long is deleted; None: never.
    `max_keys`, `max_bytes`: a new key, or more bytes, beyond this is refused; deletions that are still
    remembered count as keys. `deletions_kept_seconds`: for how long they are.
    Raises: InvalidTopic, InvalidSetting.
    """

    BOUNDS: ClassVar[tuple[str, str, str]] = ("max_keys", "ttl_seconds", "max_bytes")

    name: str
    ttl_seconds: float | None = None
    max_keys: int = 10_000
    max_bytes: int = 64 * 1024**2
    deletions_kept_seconds: float = DELETIONS_KEPT_SECONDS

    def __post_init__(self) -> None:
        check_topic(self.name)
        if self.ttl_seconds is not None and not is_within_bounds(self.ttl_seconds):
            raise InvalidSetting(f"topic {self.name!r}: ttl is {self.ttl_seconds} s: {BOUNDS_IN_WORDS}")
        if self.max_keys < 1:
            raise InvalidSetting(f"topic {self.name!r}: max_keys is {self.max_keys}, it must be at least 1")
        if self.max_bytes < 1024:
            raise InvalidSetting(f"topic {self.name!r}: max_bytes is {self.max_bytes}, at least 1024")
        if not is_within_bounds(self.deletions_kept_seconds):
            raise InvalidSetting(
                f"topic {self.name!r}: deletions_kept_seconds is {self.deletions_kept_seconds}: {BOUNDS_IN_WORDS}"
            )


TopicSpec = LogTopic | StateTopic

# What users say of each kind, and the field that it is; durations are said as text or seconds.
_LOG_BOUNDS: Final = {"retain": "retain", "max_age": "max_age_seconds", "max_bytes": "max_bytes"}
_STATE_BOUNDS: Final = {"ttl": "ttl_seconds", "max_keys": "max_keys", "max_bytes": "max_bytes"}
_DURATIONS: Final = frozenset({"max_age", "ttl"})


def topic_spec(name: str, kind: str, bounds: Mapping[str, Any]) -> TopicSpec:
    """The topic that a user describes by words. Raises: InvalidTopic, InvalidSetting."""
    match kind:
        case "log":
            return LogTopic(name, **_fields(name, "log", _LOG_BOUNDS, bounds))
        case "state":
            return StateTopic(name, **_fields(name, "state topic", _STATE_BOUNDS, bounds))
        case _:
            raise InvalidSetting(f"topic {name!r}: kind is {kind!r}, it must be 'log' or 'state'")


def _fields(name: str, kind: str, known: Mapping[str, str], bounds: Mapping[str, Any]) -> dict[str, Any]:
    for word in bounds.keys() - known.keys():
        raise InvalidSetting(f"topic {name!r}: a {kind} has no {word!r}: it has {', '.join(known)}")
    return {
        known[word]: seconds_of(value) if word in _DURATIONS and value is not None else value
        for word, value in bounds.items()
    }
