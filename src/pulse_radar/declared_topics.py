"""The topics that an app declares, and the typed events of each."""

from collections.abc import Iterable, Iterator

from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.errors import InvalidEvent, InvalidTopic, UnknownTopic
from pulse_radar.events import Event, events_of
from pulse_radar.protocol.grammar import INTERNAL_PREFIX

__all__ = ["DeclaredTopics"]


class DeclaredTopics:
    """Each once, in the order of declaration."""

    def __init__(self) -> None:
        self._specs: dict[str, TopicSpec] = {}
        # None: whatever names the topic.
        self._events: dict[str, tuple[type[Event], ...] | None] = {}

    def add(self, spec: TopicSpec, events: Iterable[type[Event]] | None) -> None:
        """Raises: InvalidTopic, InvalidEvent."""
        name, named = spec.name, None if events is None else tuple(events)
        if name in self._specs:
            raise InvalidTopic(f"topic {name!r} is declared twice")
        if name.startswith(INTERNAL_PREFIX):
            raise InvalidTopic(f"topic {name!r}: names with {INTERNAL_PREFIX!r} are Pulse Radar's own")
        for model in named or ():
            if getattr(model, "TOPIC", None) != name:
                raise InvalidEvent(
                    f'{model.__name__} is no event of {name}: class {model.__name__}(Event, topic="{name}")'
                )
        self._specs[name] = spec
        self._events[name] = named

    def check(self, topic: str) -> None:
        """Raises: UnknownTopic, unless it is declared."""
        if topic not in self._specs:
            known = ", ".join(self._specs) or "none"
            raise UnknownTopic(
                f'unknown topic {topic!r}: declare it with pulse.topic("{topic}"); known: {known}'
            )

    @property
    def specs(self) -> tuple[TopicSpec, ...]:
        """How they are kept."""
        return tuple(self._specs.values())

    @property
    def events(self) -> dict[str, tuple[type[Event], ...]]:
        """The typed events by topic: those named when it was declared, else all imported ones that name it."""
        return {topic: events_of(topic) if named is None else named for topic, named in self._events.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __repr__(self) -> str:
        return f"<DeclaredTopics {', '.join(self._specs) or 'none'}>"
