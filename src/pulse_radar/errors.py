"""Everything that can be refused or go wrong, as one small tree.

PulseError
├── UsageError                 you called us wrongly; nothing was sent
│   ├── InvalidTopic           a topic's name is not in the grammar
│   ├── InvalidKey             a key is not in the grammar
│   ├── InvalidEvent           an event's name or data cannot travel
│   ├── InvalidCursor          a cursor is not a sequence
│   ├── EventTooLarge          the event is over the size bound
│   ├── UnknownTopic           the topic was never declared
│   └── InvalidSetting         a setting cannot work
├── ProtocolError              the peer broke the protocol; carries the close code
├── Refused                    a server does not serve this client, and trying again changes nothing; carries the code
├── Unreachable                nobody answered at a server's address
├── NotRunning                 the app was started without the lifespan of its Pulse
└── BrokerError                the environment failed
    ├── BrokerUnavailable      no answer; the event may or may not be stored
    ├── TopicMissing           the broker knows no such topic: nobody created it
    ├── NotPermitted           the broker refuses these credentials this act
    ├── SequenceConflict       `expect_last` named another number than the key's newest
    ├── TopicFull              a state topic has as many keys, or bytes, as it may have
    ├── OutboxFull             too many publishes wait for the broker; this one was not attempted
    ├── OutcomeUnknown         an attempt was not acknowledged: stored or not, nobody can say
    └── BrokerRefused          the broker answered that it cannot serve us (version, second process, …)
"""

__all__ = [
    "BrokerError",
    "BrokerRefused",
    "BrokerUnavailable",
    "EventTooLarge",
    "InvalidCursor",
    "InvalidEvent",
    "InvalidKey",
    "InvalidSetting",
    "InvalidTopic",
    "NotPermitted",
    "NotRunning",
    "OutboxFull",
    "OutcomeUnknown",
    "ProtocolError",
    "PulseError",
    "Refused",
    "SequenceConflict",
    "TopicFull",
    "TopicMissing",
    "UnknownTopic",
    "Unreachable",
    "UsageError",
]


class PulseError(Exception):
    """The root of every error of ours."""


class UsageError(PulseError, ValueError):
    """You called us wrongly. Nothing was sent."""


class InvalidTopic(UsageError):
    """A topic's name is not in the grammar."""


class InvalidKey(UsageError):
    """A key is not in the grammar."""


class InvalidEvent(UsageError):
    """An event's name or its data cannot travel as JSON that every client reads alike."""


class InvalidCursor(UsageError):
    """A cursor is not a sequence, or two starting points were named at once."""


class EventTooLarge(UsageError):
    """The encoded event is over the size bound."""


class UnknownTopic(UsageError):
    """The topic was never declared."""


class InvalidSetting(UsageError):
    """A setting cannot work, alone or together with another."""


class ProtocolError(PulseError):
    """The peer broke the protocol. `close_code` is what the connection is closed with."""

    def __init__(self, message: str, close_code: int) -> None:
        super().__init__(message)
        self.close_code = close_code


class Refused(PulseError):
    """A server does not serve this client, and trying again changes nothing.

    `code` is what it closed with, or the HTTP status of a refused upgrade; None where it refused a topic only.
    """

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Unreachable(PulseError):
    """Nobody answered at a server's address when a client first came."""


class NotRunning(PulseError, RuntimeError):
    """The app was started without the lifespan of its Pulse, or has ended."""

    def __init__(self) -> None:
        super().__init__(
            "Pulse Radar does not run: give the app its lifespan, FastAPI(lifespan=pulse.lifespan), "
            "or use `async with pulse:` in your own"
        )


class BrokerError(PulseError):
    """The environment failed, or refused."""


class BrokerUnavailable(BrokerError):
    """The broker gave no answer in time. What was attempted may or may not be stored."""


class TopicMissing(BrokerError):
    """The broker has no such topic: no API process created it."""


class NotPermitted(BrokerError):
    """The broker refuses these credentials this act."""


class SequenceConflict(BrokerError):
    """`expect_last` named another sequence than the newest of the key. Nothing was stored."""


class TopicFull(BrokerError):
    """A state topic has as many keys, or bytes, as it may have. Nothing was stored."""


class OutboxFull(BrokerError):
    """Too many publishes already wait for the broker. This event was not attempted."""


class OutcomeUnknown(BrokerError):
    """An attempt was not acknowledged, and the event with this `id` may or may not be stored.

    At the deadline: publish it again with the same id, it is stored once per id within the duplicate window.
    Before it: the event may have been stored and be superseded or no longer kept, so look before you do.
    """

    def __init__(self, event_id: str, message: str) -> None:
        super().__init__(message)
        self.event_id = event_id


class BrokerRefused(BrokerError):
    """The broker cannot serve us as it is: too old, owned by another process, misconfigured."""
