"""What a topic is called on a NATS server: its stream, its subjects, and where they are announced live."""

import re
from typing import Final

import msgspec

from pulse_radar.errors import InvalidSetting

__all__ = ["Naming"]

_NAMESPACE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)

# As namespaces these would make one system's subjects another system's topics.
_RESERVED: Final = frozenset({"live", "websocket"})


class Naming(msgspec.Struct, frozen=True):
    """The names of one system on a server; a namespace lets several share it.

    Shape: stream `PULSE_knowledge` or `STAGING_PULSE_knowledge`, subject `websocket.knowledge` or
    `staging.websocket.knowledge`, with a key `websocket.knowledge.<key>`, live `live.knowledge.<key>`, control
    `pulse.control.<address>.<verb>`.
    Raises: InvalidSetting.
    """

    namespace: str = ""

    def __post_init__(self) -> None:
        if self.namespace in _RESERVED:
            raise InvalidSetting(f"the namespace {self.namespace!r} is taken: choose another name")
        if self.namespace and not _NAMESPACE.fullmatch(self.namespace):
            raise InvalidSetting(
                f"invalid namespace {self.namespace[:80]!r}: it starts with a lower-case letter and has at "
                "most 32 lower-case letters, digits, '_' and '-'"
            )

    @property
    def everything(self) -> str:
        """The pattern of all events of this system."""
        return f"{self._prefix}websocket.>"

    @property
    def live(self) -> str:
        """The pattern under which a server announces what it has just stored."""
        return f"{self._prefix}live.>"

    def stream(self, topic: str) -> str:
        prefix = f"{self.namespace.upper()}_" if self.namespace else ""
        return f"{prefix}PULSE_{topic}"

    def subject(self, topic: str, key: str | None = None) -> str:
        whole = f"{self._prefix}websocket.{topic}"
        return whole if key is None else f"{whole}.{key}"

    def key_text(self, topic: str, subject: str) -> str | None:
        """The key in a stored event's subject, unchecked; None for the topic itself."""
        return subject[len(self._prefix) + len("websocket.") + len(topic) + 1 :] or None

    def announced_topic(self, subject: str) -> str:
        """The topic that a live announcement is about."""
        return subject[len(self._prefix) + len("live.") :].partition(".")[0]

    def control(self, address: str, verb: str = "*") -> str:
        """Where somebody is asked something; without a verb the pattern of all that can be asked there."""
        return f"{self._prefix}pulse.control.{address}.{verb}"

    @property
    def _prefix(self) -> str:
        return f"{self.namespace}." if self.namespace else ""
