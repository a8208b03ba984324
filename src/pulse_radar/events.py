"""Typed events: a pydantic model a class, published under its own name on its topic."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from pulse_radar.errors import InvalidEvent
from pulse_radar.protocol.grammar import check_event_name, check_topic

__all__ = ["Event", "events_of"]


class Event(BaseModel):
    """The base of typed events.

    `topic`: where it is published. `key`: the field that says what the event is about, if any; its values are keys, as
    `key_of` makes them of any text.
    `name`: its name on the wire; from the class name where not given: AtomCreated is atom_created.

    Example:
        class AtomCreated(Event, topic="knowledge", key="id"):
            id: str
            title: str
    """

    model_config = ConfigDict(frozen=True)

    # ClassVars in capitals cannot collide with an event's fields.
    TOPIC: ClassVar[str]
    NAME: ClassVar[str]
    KEY_FIELD: ClassVar[str | None] = None

    def __init_subclass__(
        cls, *, topic: str | None = None, key: str | None = None, name: str | None = None, **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        cls.NAME = check_event_name(name or _snake_case(cls.__name__))
        if topic is not None:
            cls.TOPIC = check_topic(topic)
        if key is not None:
            cls.KEY_FIELD = key

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        # Only now pydantic knows the fields.
        if cls.KEY_FIELD is not None and cls.KEY_FIELD not in cls.model_fields:
            raise InvalidEvent(f"{cls.__name__} has no field {cls.KEY_FIELD!r} to take its key from")

    @property
    def event_topic(self) -> str:
        """The topic of this event. Raises: InvalidEvent, when its class names none."""
        topic: str | None = getattr(self, "TOPIC", None)
        if topic is None:
            name = type(self).__name__
            raise InvalidEvent(f'{name} has no topic: class {name}(Event, topic="knowledge")')
        return topic

    @property
    def event_key(self) -> str | None:
        """The key of this event, from the field that its class names."""
        return None if self.KEY_FIELD is None else str(getattr(self, self.KEY_FIELD))


def events_of(topic: str) -> tuple[type[Event], ...]:
    """The typed events of a topic among all that were imported, in the order of their definition.

    A class that others derive from is what they have in common, and no event.
    """
    return tuple(model for model in _leaves(Event) if getattr(model, "TOPIC", None) == topic)


def _leaves(model: type[Event]) -> Iterator[type[Event]]:
    derived = model.__subclasses__()
    if not derived:
        yield model
    for child in derived:
        yield from _leaves(child)


def _snake_case(name: str) -> str:
    """AtomCreated is atom_created; LLMProviderAdded is llm_provider_added."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
