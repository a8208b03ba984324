"""What publishing looks like, wherever it is done: typed or by hand, into a draft, to a position."""

import time
import uuid
from abc import ABC, abstractmethod
from typing import overload

import msgspec

from pulse_radar.brokers.base import Draft
from pulse_radar.errors import InvalidEvent
from pulse_radar.events import Event
from pulse_radar.protocol.json_value import JsonValue, encode_data

__all__ = ["Position", "Publishes", "draft_event"]


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in a topic. As text it is an item of a client's cursor: `knowledge:1703750400000143`."""

    topic: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.sequence}"


class Publishes(ABC):
    """Has `publish`: a `Publisher` in a worker, a `Pulse` in an API process."""

    @overload
    async def publish(
        self, event: Event, /, *, id: str | None = None, expect_last: int | None = None
    ) -> Position: ...

    @overload
    async def publish(
        self,
        topic: str,
        name: str,
        data: JsonValue = ...,
        /,
        *,
        key: str | None = None,
        id: str | None = None,
        expect_last: int | None = None,
    ) -> Position: ...

    async def publish(
        self,
        event: Event | str,
        name: str | None = None,
        data: JsonValue = {},  # noqa: B006 (never changed)
        /,
        *,
        key: str | None = None,
        id: str | None = None,  # noqa: A002 (the glossary's word)
        expect_last: int | None = None,
    ) -> Position:
        """Publish one event; return its place once it is stored.

        `id`: makes a repeated publish store the event once; made up where not given.
        `expect_last`: store only if this is the newest sequence of the key (0: it has none yet).
        Raises: InvalidEvent, InvalidTopic, InvalidKey, EventTooLarge, OutboxFull: nothing was sent.
        UnknownTopic, TopicMissing, NotPermitted, SequenceConflict: it is not stored.
        OutcomeUnknown: nobody knows; publish it again with the id that the error carries.
        Order: an event published after another one was awaited has the higher sequence.
        """
        draft = draft_event(event, name, data, key=key, event_id=id)
        return await self.publish_draft(draft, expect_last=expect_last)

    @abstractmethod
    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        """Publish what `draft_event` made; return its place once it is stored. Raises what `publish` does."""


def draft_event(
    event: Event | str, name: str | None, data: JsonValue, *, key: str | None, event_id: str | None
) -> Draft:
    """The draft of a typed event, or of one given by topic, name and data.

    Raises: InvalidEvent, InvalidTopic, InvalidKey.
    """
    if isinstance(event, Event):
        topic, name, key = event.event_topic, event.NAME, event.event_key
        data = event.model_dump(mode="json")
    elif name is None:
        raise InvalidEvent(
            f"publish({event!r}) names no event: publish(topic, name, data) or publish(Event(…))"
        )
    else:
        topic = event
    return Draft(
        topic=topic,
        name=name,
        data=encode_data(data),
        id=event_id or uuid.uuid4().hex,
        key=key,
        timestamp_ms=time.time_ns() // 1_000_000,
    )
