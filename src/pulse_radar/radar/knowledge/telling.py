"""Atoms and topics as the events that announce them."""

from typing import TypeVar

from pulse_radar.radar.events import (
    AtomCreated,
    AtomEvent,
    AtomUpdated,
    TopicCreated,
    TopicEvent,
    TopicUpdated,
)
from pulse_radar.radar.knowledge.atom import Atom
from pulse_radar.radar.knowledge.topics import Topic

__all__ = ["atom_created", "atom_updated", "topic_created", "topic_updated"]

_T = TypeVar("_T", bound=AtomEvent)
_TopicT = TypeVar("_TopicT", bound=TopicEvent)


def atom_created(atom: Atom, topic_id: str | None = None) -> AtomCreated:
    """It was found."""
    return _told(AtomCreated, atom, topic_id)


def atom_updated(atom: Atom, topic_id: str | None = None) -> AtomUpdated:
    """It is not what it was."""
    return _told(AtomUpdated, atom, topic_id)


def topic_created(topic: Topic) -> TopicCreated:
    """It is new."""
    return _topic_told(TopicCreated, topic)


def topic_updated(topic: Topic) -> TopicUpdated:
    """It is not what it was."""
    return _topic_told(TopicUpdated, topic)


def _topic_told(event: type[_TopicT], topic: Topic) -> _TopicT:
    return event(
        id=topic.id,
        name=topic.name,
        keywords=topic.keywords,
        atoms=len(topic.members),
        trend=topic.trend,
        merged_into=topic.merged_into,
    )


def _told(event: type[_T], atom: Atom, topic_id: str | None) -> _T:
    return event(
        id=atom.id,
        kind=atom.kind,
        title=atom.title,
        text=atom.text,
        chat=atom.chat,
        chat_id=atom.chat_id,
        message_id=atom.message_ids[0],
        message_ids=atom.message_ids,
        author=atom.author,
        date=atom.date,
        confidence=atom.confidence,
        url=atom.url,
        topic_id=topic_id,
    )
