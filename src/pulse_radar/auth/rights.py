"""What somebody may do, in patterns of feeds: `knowledge`, `monitoring/3f9c`, `monitoring/ada:*`, `*`."""

from typing import Literal

import msgspec

from pulse_radar.errors import InvalidSetting
from pulse_radar.protocol.grammar import Feed, check_key, check_topic

__all__ = ["Action", "Rights"]

Action = Literal["read", "publish", "admin"]


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What may be read, published and administered; none of the three implies another.

    Shape: `topic` is a whole topic, which implies its keys; `topic/key` one key of it; `topic/begin*` the keys that
    begin so; `topic/*` each key, where it is named, but not the whole; `*` everything.
    Raises: InvalidTopic, InvalidKey. InvalidSetting, for a text in place of several.
    """

    read: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for patterns in (self.read, self.publish, self.admin):
            if isinstance(patterns, str):
                # It would be read letter by letter, and a star among them is everything.
                raise InvalidSetting(f"rights are a list of patterns, and not one text: [{patterns[:80]!a}]")
            for pattern in patterns:
                _check(pattern)

    def allow(self, action: Action, feed: Feed) -> bool:
        """Whether one of the patterns for this action covers the feed. Cost: O(patterns)."""
        patterns: tuple[str, ...] = getattr(self, action)
        return any(_covers(pattern, feed) for pattern in patterns)


def _check(pattern: str) -> None:
    topic, slash, key = pattern.partition("/")
    if pattern != "*":
        check_topic(topic)
    if slash and key != "*":
        check_key(key.removesuffix("*"))


def _covers(pattern: str, feed: Feed) -> bool:
    topic, slash, key = pattern.partition("/")
    if pattern == "*" or (not slash and topic == feed.topic):
        return True
    if topic != feed.topic or feed.key is None:
        return False
    return feed.key.startswith(key[:-1]) if key.endswith("*") else feed.key == key
