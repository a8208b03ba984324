"""A topic as the configuration of its stream, and whether a stream that is there can be it."""

from typing import Final, assert_never

from pulse_radar.brokers.bounds import narrowed
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.stream_view import BATCHES, BOUND_FACTOR, StreamView
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
from pulse_radar.errors import BrokerRefused

__all__ = ["StreamConfig"]

_NANOSECONDS: Final = 1_000_000_000

# What makes a stream one of ours. The server cannot change it later, or history would lie.
_FIXED: Final[dict[str, tuple[object, object]]] = {
    # name: (what it must be, what the server means when it does not say)
    "retention": ("limits", "limits"),
    "storage": ("file", "file"),
    "mirror": (None, None),
    "sources": (None, None),
    "sealed": (False, False),
}

# Of each bound of a topic, the server's name.
_KEYS: Final = {
    **dict.fromkeys(("retain", "max_keys"), "max_msgs"),
    **dict.fromkeys(("max_age_seconds", "ttl_seconds"), "max_age"),
    "max_bytes": "max_bytes",
}


class StreamConfig:
    """How the streams of one system are configured."""

    def __init__(self, naming: Naming, *, duplicate_window_seconds: float, replicas: int) -> None:
        self._naming = naming
        self._duplicate_window_seconds = duplicate_window_seconds
        self._replicas = replicas

    def new(self, spec: TopicSpec, origin: int) -> dict[str, object]:
        """Of a stream whose numbering begins at `origin`."""
        return self.wanted(spec, is_replicated=self._replicas > 1) | {
            "name": self._naming.stream(spec.name),
            "subjects": self.subjects(spec),
            "retention": "limits",
            "storage": "file",
            "num_replicas": self._replicas,
            "first_seq": origin,
        }

    def wanted(self, spec: TopicSpec, *, is_replicated: bool) -> dict[str, object]:
        """What may change in the life of a stream."""
        everything, live = self._naming.everything, self._naming.live
        factor = BOUND_FACTOR if is_replicated and isinstance(spec, StateTopic) else 1
        return {
            **self._kept(spec, factor),
            "max_bytes": spec.max_bytes * factor,
            "allow_direct": True,
            "deny_delete": True,
            "republish": {"src": everything, "dest": live},
        }

    def subjects(self, spec: TopicSpec) -> list[str]:
        """What its stream collects: every key, and of a log what has none."""
        keys = self._naming.subject(spec.name, "*")
        return [keys] if isinstance(spec, StateTopic) else [self._naming.subject(spec.name), keys]

    def check(self, view: StreamView, spec: TopicSpec) -> None:
        """Raises: BrokerRefused, unless the stream can be this topic."""
        name, config = self._naming.stream(spec.name), view.config
        wrong = [
            f"{key} is {config.get(key, default)!r}, not {wanted!r}"
            for key, (wanted, default) in _FIXED.items()
            if config.get(key, default) != wanted
        ]
        if not wrong and view.sight.is_state != isinstance(spec, StateTopic):
            was, wanted = ("state", "log") if view.sight.is_state else ("log", "state")
            raise BrokerRefused(
                f"the topic {spec.name!r} is kept as a {was}, and is declared as a {wanted}. "
                f"`pulse-radar topics replace {spec.name}` makes it anew, without its events"
            )
        per_key = config.get("max_msgs_per_subject", -1)
        if isinstance(per_key, int) and per_key > 1:
            wrong.append(f"it keeps {per_key} events of a key")
        subjects = config.get("subjects")
        if not isinstance(subjects, list) or sorted(subjects) != sorted(self.subjects(spec)):
            wrong.append(f"subjects are {subjects}, not {self.subjects(spec)}")
        if wrong:
            raise BrokerRefused(
                f"the stream {name} exists, but it is not the topic {spec.name!r}: {'; '.join(wrong)}. "
                f"Delete it with its events (nats stream rm {name}), or choose another topic or namespace"
            )

    def changes(self, view: StreamView, spec: TopicSpec, *, narrow: bool) -> dict[str, object]:
        """What there is to change of a stream that is there."""
        wanted = self.wanted(spec, is_replicated=view.sight.is_replicated)
        if not view.knows_batches:
            wanted.pop(BATCHES, None)
        if not narrow:
            kept = dict(
                zip(spec.BOUNDS, (view.max_messages, view.max_age_seconds, view.max_bytes), strict=True)
            )
            for bound in narrowed(spec, kept):
                del wanted[_KEYS[bound]]
        return {key: value for key, value in wanted.items() if view.config.get(key) != value}

    def _kept(self, spec: TopicSpec, factor: int) -> dict[str, object]:
        match spec:
            case LogTopic():
                kept: dict[str, object] = {"max_msgs": spec.retain, "discard": "old", BATCHES: True}
                return kept | self._ages(spec.max_age_seconds)
            case StateTopic():
                return {
                    "max_msgs_per_subject": 1,
                    "max_msgs": spec.max_keys * factor,
                    # A new key beyond the bound is refused; with "old" the oldest key would go without a word.
                    "discard": "new",
                    "allow_msg_ttl": True,
                    "subject_delete_marker_ttl": _nanoseconds(spec.deletions_kept_seconds),
                } | self._ages(spec.ttl_seconds)
            case _:
                assert_never(spec)

    def _ages(self, age_seconds: float | None) -> dict[str, object]:
        age, window = _nanoseconds(age_seconds or 0), _nanoseconds(self._duplicate_window_seconds)
        # The server refuses a window longer than the age.
        return {"max_age": age, "duplicate_window": min(window, age) if age else window}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)
