"""What publishing looks like, wherever it is done: typed or by hand, into a draft, to a position."""

import time
import uuid
from abc import ABC, abstractmethod
from typing import overload

import msgspec

from pulse_radar.brokers.base import Draft
from pulse_radar.durations import Duration, seconds_of
from pulse_radar.errors import InvalidEvent
from pulse_radar.events import Event
from pulse_radar.protocol.codec import DELETION
from pulse_radar.protocol.cursor import format_position
from pulse_radar.protocol.grammar import Feed
from pulse_radar.protocol.json_value import JsonValue, encode_data
from pulse_radar.tracing import traceparent_here

__all__ = ["Position", "Publishes", "draft_deletion", "draft_event"]


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in a topic. As text it is an item of a client's cursor: `knowledge:1703750400000143`."""

    topic: str
    sequence: int

    def __str__(self) -> str:
        return format_position(Feed(self.topic), self.sequence)


class Publishes(ABC):
    """Has `publish` and `delete`: a `Publisher` in a worker, a `Pulse` in an API process."""

    @overload
    async def publish(
        self,
        event: Event,
        /,
        *,
        id: str | None = None,
        expect_last: int | None = None,
        ttl: Duration | None = None,
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
        ttl: Duration | None = None,
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
        ttl: Duration | None = None,
    ) -> Position:
        """Publish one event; return its place once it is stored.

        `id`: makes a repeated publish store the event once; made up where not given.
        On a topic of typed events, `publish(topic, name, data)` with a name that none of them has, or data that its
        class refuses, is published all the same; the process that declares them (and `POST /publish` there) logs a
        warning, once for each name.
        `expect_last`: store only if this is the newest sequence of the key (0: it has none yet).
        `ttl`: of a state topic: its key is deleted after so long, unless a newer event comes.
        Raises: InvalidEvent, InvalidTopic, InvalidKey, EventTooLarge, OutboxFull: nothing was sent.
        UnknownTopic, TopicMissing, TopicFull, NotPermitted, SequenceConflict: it is not stored.
        OutcomeUnknown: nobody knows; publish it again with the id that the error carries.
        Order: an event published after another one was awaited has the higher sequence.
        """
        draft = draft_event(event, name, data, key=key, event_id=id, ttl=ttl)
        if not isinstance(event, Event):
            self.heed_untyped(draft)
        return await self.publish_draft(draft, expect_last=expect_last)

    async def delete(
        self,
        topic: str,
        key: str,
        /,
        *,
        id: str | None = None,  # noqa: A002 (the glossary's word)
        expect_last: int | None = None,
    ) -> Position:
        """Delete a key of a state topic, whether it is there or not. Takes and raises what `publish` does."""
        return await self.publish_draft(draft_deletion(topic, key, id), expect_last=expect_last)

    def heed_untyped(self, draft: Draft) -> None:  # noqa: B027 (most processes know of none)
        """Say what is wrong with a draft that was made of a name and data, where its typed events are known."""

    @abstractmethod
    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        """Publish what `draft_event` made; return its place once it is stored. Raises what `publish` does."""


def draft_event(
    event: Event | str,
    name: str | None,
    data: JsonValue,
    *,
    key: str | None,
    event_id: str | None,
    ttl: Duration | None = None,
) -> Draft:
    """The draft of a typed event, or of one given by topic, name and data, in the trace of whoever calls.

    Raises: InvalidEvent, InvalidTopic, InvalidKey. InvalidSetting, for a ttl that is no duration.
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
        id=_id(event_id),
        key=key,
        timestamp_ms=_now_ms(),
        ttl_seconds=None if ttl is None else seconds_of(ttl),
        traceparent=traceparent_here(),
    )


def draft_deletion(topic: str, key: str, event_id: str | None) -> Draft:
    """The draft of a deletion. Raises: InvalidTopic, InvalidKey, InvalidEvent."""
    return Draft(
        topic=topic,
        name=DELETION.name,
        data=bytes(DELETION.data),
        id=_id(event_id),
        key=key,
        timestamp_ms=_now_ms(),
        is_deletion=True,
        traceparent=traceparent_here(),
    )


def _id(given: str | None) -> str:
    # An empty one is refused with the others that cannot be, not passed over.
    return uuid.uuid4().hex if given is None else given


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
