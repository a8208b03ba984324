"""How a stream looks: what its leader says of it, and what that means for a topic."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from pulse_radar.brokers.nats.steps import Sight
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.stream.entry import Extent

__all__ = [
    "BATCHES",
    "BOUND_FACTOR",
    "ORIGIN",
    "REMEMBERS_AFTER",
    "StreamView",
    "deletions_kept_seconds",
    "view_of",
    "with_metadata",
]

# The name in a stream's metadata under which its numbering begins, after it was renumbered.
ORIGIN: Final = "pulse-origin"

# And after which position deletions are remembered for as long as its configuration says: before, it was shorter.
REMEMBERS_AFTER: Final = "pulse-remembers-after"

# Whether a stream takes batches, and from which level of its interface on a server knows what that is (2.12 has 2).
BATCHES: Final = "allow_atomic"
_LEVEL: Final = "_nats.level"
_LEVEL_OF_BATCHES: Final = 2

# A leader hears the others every second or two, and before four have passed they elect no other. One that was cut
# off goes on answering for another ten, with numbers that the others have left behind.
_HEARD_NANOSECONDS: Final = 3_000_000_000

# The bounds of a replicated state topic's stream are so many times those of the topic (see `room.py`).
BOUND_FACTOR: Final = 2

_NANOSECONDS: Final = 1_000_000_000

# What is gone counts as gone so much earlier: what was asked just before is answered, and clocks of servers differ. Of
# short memories of deletions a part only.
_MARGIN_SECONDS: Final = 5.0
_MARGIN_PART: Final = 0.25


class StreamView(msgspec.Struct, frozen=True):
    """A stream as the server shows it: how it is configured, and how it looks.

    Of a state topic the extent knows nothing yet of what is forgotten: `with_first` says it.
    `looked_at` is the server's time, and `oldest_at` when it stored what is the first now. Units: `size` bytes.
    """

    config: dict[str, object]
    sight: Sight
    looked_at: datetime
    oldest_at: datetime
    size: int

    @property
    def max_messages(self) -> int | None:
        """How many events, of a state topic keys, it may have. None: as many as there are, here and below."""
        return self._bound("max_msgs")

    @property
    def max_bytes(self) -> int | None:
        return self._bound("max_bytes")

    @property
    def max_age_seconds(self) -> float | None:
        return _seconds(self.config, "max_age") or None

    @property
    def duplicate_window_seconds(self) -> float:
        """For so long the server knows an id again."""
        return _seconds(self.config, "duplicate_window")

    @property
    def takes_batches(self) -> bool:
        """Whether several messages may be stored together, all or none."""
        return self.config.get(BATCHES, False) is True

    @property
    def knows_batches(self) -> bool:
        """Whether the server that showed it is new enough for that."""
        return _metadata(self.config, _LEVEL) >= _LEVEL_OF_BATCHES

    @property
    def deletions_kept_seconds(self) -> float:
        """For how long a state topic's deletions are there."""
        return deletions_kept_seconds(self.config)

    @property
    def remembers_all(self) -> bool:
        """Whether the stream is too young to have forgotten a deletion."""
        return datetime.fromisoformat(self.sight.identity[0]) >= self.remembered_since

    @property
    def remembered_since(self) -> datetime:
        """No deletion from this moment on is forgotten."""
        kept = self.deletions_kept_seconds
        return self.looked_at - timedelta(seconds=kept - min(_MARGIN_SECONDS, kept * _MARGIN_PART))

    def keeps_all_behind(self, position: int) -> bool:
        """Whether nothing of a log is gone that came after this position."""
        return self.sight.extent.first - 1 <= position

    def keeps_all_of(self, seconds: float) -> bool:
        """Whether nothing of a log is gone that was stored within so long."""
        age = (self.looked_at - self.oldest_at).total_seconds()
        return self.sight.messages > 0 and age >= seconds + _MARGIN_SECONDS

    def with_first(self, first: int) -> "StreamView":
        """Whoever has seen everything before `first` misses nothing."""
        extent = self.sight.extent
        first = min(max(first, _metadata(self.config, REMEMBERS_AFTER) + 1), extent.last + 1)
        extent = Extent(extent.origin, first, extent.last)
        return msgspec.structs.replace(self, sight=msgspec.structs.replace(self.sight, extent=extent))

    def _bound(self, name: str) -> int | None:
        factor = BOUND_FACTOR if self.sight.is_state and self.sight.is_replicated else 1
        value = self.config.get(name)
        return value // factor if isinstance(value, int) and value > 0 else None


class _State(msgspec.Struct):
    first_ts: datetime
    last_ts: datetime
    first_seq: int
    last_seq: int
    messages: int = 0
    bytes: int = 0


class _Peer(msgspec.Struct):
    # Nanoseconds since it was heard.
    active: int = 0


class _Group(msgspec.Struct):
    """The servers that keep a stream."""

    leader: str = ""
    replicas: tuple[_Peer, ...] = ()

    @property
    def is_led(self) -> bool:
        """Whether its leader hears enough of the others to be one still."""
        heard = sum(peer.active < _HEARD_NANOSECONDS for peer in self.replicas)
        return bool(self.leader) and 2 * (1 + heard) > 1 + len(self.replicas)


class _Info(msgspec.Struct):
    config: dict[str, object]
    # As text it is exact, and tells one stream from another.
    created: str
    state: _State
    # The clock of the server, which may be set back; what it stored before tells that it was later.
    ts: datetime
    # Of a server without a cluster None.
    cluster: _Group | None = None


def view_of(answer: bytes) -> StreamView:
    """What a server says of a stream. Raises: BrokerUnavailable, if it has no right to."""
    info = msgspec.json.decode(answer, type=_Info)
    if info.cluster is not None and not info.cluster.is_led:
        raise BrokerUnavailable(
            f"who answers for the stream {info.config['name']} does not lead it, or not any more"
        )
    origin = _origin(info.config)
    first, last = info.state.first_seq, info.state.last_seq
    is_torn = origin > last + 1
    sight = Sight(
        (info.created, origin),
        Extent(origin, origin, origin - 1) if is_torn else Extent(origin, first, last),
        is_torn,
        is_replicated=info.config.get("num_replicas", 1) != 1,
        is_state=info.config.get("max_msgs_per_subject") == 1,
        messages=info.state.messages,
    )
    looked_at = max(info.ts, info.state.last_ts)
    return StreamView(info.config, sight, looked_at, info.state.first_ts, info.state.bytes)


def deletions_kept_seconds(config: dict[str, object]) -> float:
    """For how long deletions are there under this configuration: its age takes them as it takes everything."""
    marker, age = (_seconds(config, name) for name in ("subject_delete_marker_ttl", "max_age"))
    return min(marker, age) if age else marker


def with_metadata(config: dict[str, object], name: str, number: int) -> dict[str, object]:
    metadata = config.get("metadata")
    return config | {"metadata": {**(metadata if isinstance(metadata, dict) else {}), name: str(number)}}


def _metadata(config: dict[str, object], name: str) -> int:
    """A number of ours, 0 if there is none."""
    metadata = config.get("metadata")
    value = metadata.get(name, "") if isinstance(metadata, dict) else ""
    return int(value) if isinstance(value, str) and value.isdecimal() else 0


def _seconds(config: dict[str, object], name: str) -> float:
    value = config.get(name, 0)
    return value / _NANOSECONDS if isinstance(value, int) else 0.0


def _origin(config: dict[str, object]) -> int:
    """Where the numbering begins: where the stream was created, or was last renumbered to."""
    created = config.get("first_seq")
    return max(created if isinstance(created, int) and created else 1, _metadata(config, ORIGIN))
